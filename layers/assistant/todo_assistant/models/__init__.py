"""The interface to a language model, its system prompt, and the client of a Chat Completions endpoint."""
