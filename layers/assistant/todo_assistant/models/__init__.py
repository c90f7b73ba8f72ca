"""The interface to a language model, and the model behind a Chat Completions endpoint."""
