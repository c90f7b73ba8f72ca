"""The assistant: agent loop, tools, prompt and command model. Outside this package, only tests import `openai`."""
