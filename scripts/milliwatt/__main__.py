"""``python -m milliwatt``: the command line."""

from milliwatt.cli import main

main()
