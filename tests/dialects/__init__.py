"""Dialects of language model providers: scripted providers that speak them, and conversations with each."""
