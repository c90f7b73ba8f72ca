"""The assistant: agent loop, tools, prompt and command model. Only this package imports the library `openai`."""
