"""The command line: one file a subcommand, found by ``main.py``."""
