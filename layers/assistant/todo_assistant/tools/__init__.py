"""What the assistant can do. The owner comes from the context of a call, never from its arguments."""

from todo_assistant.tools import projects, todos
from todo_assistant.tools.registry import TODO_TOOLS, Effect, Outcome, Tool, Toolbox, ToolContext, sentence_of

__all__ = ["TODO_TOOLS", "Effect", "Outcome", "Tool", "ToolContext", "Toolbox", "projects", "sentence_of", "todos"]
