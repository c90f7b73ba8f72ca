"""Tools that a model may call, and their execution. The owner comes from the context, never from the arguments."""
