"""The command model, which replaces the language model when no API key is set. Works offline.

CommandModel has the interface of a language model, so the agent, the tools and the turns need no changes.
`docs/commands.md` describes the commands.
"""

from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.parser import parse_command
from todo_assistant.commands.planner import next_step
from todo_assistant.commands.results import read_results
from todo_assistant.commands.wording import describe_result
from todo_assistant.models.messages import Completion, ModelRequest, OnText, UserMessage
from todo_assistant.turns.plain_answers import read_plain_answer

_ONLY_ATTEMPT: Final = 1


class CommandModel:
    """Replaces a language model by rules: parses commands in English and answers in fixed sentences."""

    name = "commands"

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:  # noqa: ARG002 - an answer takes milliseconds
        """Returns the next tool call of the user's last command, or the answer once its tool results are there.

        Reads the lists shown in earlier turns too: `done 2` means the second todo of the last one.
        Never raises AssistantFailure.
        """
        messages = request.messages
        last, typed = [(index, message) for index, message in enumerate(messages) if isinstance(message, UserMessage)][
            -1
        ]
        command = parse_command(typed.content, now=request.now, timezone=request.timezone)
        results = list(read_results(messages[last:]))
        listings = [result for result in read_results(messages[:last]) if result.is_listing]
        if results and read_plain_answer(typed.content) is not None:
            # The turn answers an approval in words: it began with the calls that waited for the approval.
            step = Completion("\n".join(map(describe_result, results)))
        else:
            step = next_step(command, results, listings[-1].todos if listings else [])
        if on_text is not None and step.content:
            await on_text(step.content, _ONLY_ATTEMPT)
        return replace(step, prompt_tokens=0, completion_tokens=0)

    async def prepare(self) -> None:
        """Does nothing: the command model has no library to import."""

    async def close(self) -> None:
        """Does nothing: the command model holds no connection."""
