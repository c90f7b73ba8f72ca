"""The route group of the Model Context Protocol: the assistant's tools for other assistants, without any state."""
