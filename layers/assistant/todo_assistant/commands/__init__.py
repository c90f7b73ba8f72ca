"""The command model, which parses commands in English and answers without a language model."""
