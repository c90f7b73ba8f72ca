"""The interface to a language model, its prompt, and the client of a Chat Completions endpoint."""
