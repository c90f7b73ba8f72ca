"""Protocols of libraries for chat front ends: `/api/v1/chat/ai-sdk` and `/api/v1/chat/ag-ui`."""
