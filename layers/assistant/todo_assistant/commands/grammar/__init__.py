"""The grammar of commands, which parses the text that a user types into one command."""
