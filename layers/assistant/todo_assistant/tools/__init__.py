"""What the assistant can do. The owner comes from the context of a call, never from its arguments."""

from todo_assistant.tools.todos import TODO_TOOLS
from todo_assistant.tools.toolbox import Effect, Outcome, Tool, Toolbox, ToolContext, sentence_of

__all__ = ["TODO_TOOLS", "Effect", "Outcome", "Tool", "ToolContext", "Toolbox", "sentence_of"]
