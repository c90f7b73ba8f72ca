"""What the assistant can do. The owner comes from the context of a call, never from its arguments."""

from todo_assistant.tools import projects, todos
from todo_assistant.tools.registry import TODO_TOOLS, Effect, Tool, ToolContext, ToolRegistry, ToolResult, sentence_of

__all__ = [
    "TODO_TOOLS",
    "Effect",
    "Tool",
    "ToolContext",
    "ToolRegistry",
    "ToolResult",
    "projects",
    "sentence_of",
    "todos",
]
