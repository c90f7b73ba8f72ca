"""The route group of the assistant: `/api/v1/chat`."""
