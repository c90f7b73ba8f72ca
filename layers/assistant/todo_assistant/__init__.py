"""The assistant: agent loop, tools, prompt and command model. The only home of openai."""
