"""The version, written once: manifests and the C header are checked against it by a test."""

__version__ = "0.1.0"
