"""The command model, which replaces the language model when no API key is set. Works offline.

CommandModel has the interface of a language model, so the agent, the tools and the turns need no changes.
`docs/commands.md` describes the commands.
"""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Final

from todo_assistant.commands.conversation import Conversation, read_conversation
from todo_assistant.commands.grammar.parser import parse_command
from todo_assistant.commands.languages.patterns import load_words
from todo_assistant.commands.planner.commands import Parse, plan_message
from todo_assistant.commands.planner.plans import run_plan
from todo_assistant.commands.results import PastTurn, read_turns
from todo_assistant.models.messages import Completion, ModelRequest, OnText

_ONLY_ATTEMPT: Final = 1
_MAX_CHARACTERS_ON_LOOP: Final = 300
"""Longest message that is parsed on the event loop, in at most 10 ms. Of 4,000 characters, 100 lines may take 0.2 s."""


class CommandModel:
    """Replaces a language model by rules: parses commands and answers in fixed sentences."""

    name = "commands"

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:  # noqa: ARG002 - an answer takes milliseconds
        """Returns the next tool calls of the user's last message, or the answer once their results are there.

        Reads the earlier turns too: `done 2` means a todo of the list shown last, and `2` may answer a question.
        Never raises AssistantFailure.
        """
        *earlier, current = read_turns(request.messages)
        parse = partial(parse_command, now=request.now, timezone=request.timezone)
        answer = partial(_answer, current, read_conversation(earlier), parse)
        is_short = len(current.typed) <= _MAX_CHARACTERS_ON_LOOP
        completion = answer() if is_short else await asyncio.to_thread(answer)
        if on_text is not None and completion.content:
            await on_text(completion.content, _ONLY_ATTEMPT)
        return replace(completion, prompt_tokens=0, completion_tokens=0)

    async def prepare(self) -> None:
        """Loads the words of all languages in a thread: reading their files would block the event loop."""
        await asyncio.to_thread(load_words)

    async def close(self) -> None:
        """Does nothing: the command model holds no connection."""


def _answer(current: PastTurn, conversation: Conversation, parse: Parse) -> Completion:
    return run_plan(plan_message(current.typed, conversation, parse), current.rounds)
