"""Tools that a model may call, and their execution.

A tool takes the owner of the todos from its ToolContext, never from arguments, which the model writes.
"""
