"""The command line: what people type, a module for each kind of command."""
