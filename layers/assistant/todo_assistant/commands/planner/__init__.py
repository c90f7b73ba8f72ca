"""The planner of the command model: turns a parsed command into tool calls, questions and the answer."""
