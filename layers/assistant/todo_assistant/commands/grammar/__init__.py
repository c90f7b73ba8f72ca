"""The grammar of commands: the text that a user types, parsed into one command."""
