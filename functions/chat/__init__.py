"""The assistant: `/api/v1/chat`."""
