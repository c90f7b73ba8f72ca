"""The command model, which answers without a language model."""
