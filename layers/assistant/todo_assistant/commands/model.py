"""The model that takes the place of a language model when no key is set: the commands of `docs/commands.md`, offline.

CommandModel implements the same interface as a language model, so the agent, the tools and the turns are the same.
"""

from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.parser import parse_command
from todo_assistant.commands.planner import next_step
from todo_assistant.commands.results import read_results
from todo_assistant.models.messages import Completion, ModelRequest, OnText

_ONLY_ATTEMPT: Final = 1


class CommandModel:
    """A rule-based model without a language model: parses commands in English and answers in fixed sentences."""

    name = "commands"

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:  # noqa: ARG002 - an answer takes milliseconds
        """Returns the next tool call, or the answer once the tool results are there. Never fails.

        Earlier listings are needed for a command such as `done 2`, which means the second todo listed last.
        """
        messages = request.messages
        last = max(index for index, message in enumerate(messages) if message["role"] == "user")
        command = parse_command(messages[last]["content"], now=request.now, timezone=request.timezone)
        results = list(read_results(messages[last:]))
        listings = [result for result in read_results(messages[:last]) if result.is_listing]
        step = next_step(command, results, listings[-1].todos if listings else [])
        if on_text is not None and step.content:
            await on_text(step.content, _ONLY_ATTEMPT)
        return replace(step, prompt_tokens=0, completion_tokens=0)

    async def prepare(self) -> None:
        """Does nothing: the model needs no preparation."""

    async def close(self) -> None:
        """Does nothing: the model holds no connection."""
