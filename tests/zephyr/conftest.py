"""What twister runs with its own pytest and fixtures is not for this one."""

collect_ignore_glob = ["*/pytest/*"]
