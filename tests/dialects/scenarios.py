"""Scenarios: a dialect, a script and the outcome that a conversation with this provider must have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.dialects.conversation import Answer, Conversation, split_turns, titles_of
from tests.dialects.provider import Dialect, Interruption
from tests.dialects.steps import FIRST_ANSWER, ONE_CALL, Step

type Outcome = Callable[[Conversation], None]


def works(conversation: Conversation) -> None:
    """All calls succeed at once, and a refusal is learned within the first turn."""
    answers = _run_turns(conversation)
    assert all(call["ok"] for answer in answers for call in answer.document["tool_calls"])


def recovers(conversation: Conversation) -> None:
    """The effect comes once, even if a call with broken arguments fails before."""
    _run_turns(conversation)


def declines(conversation: Conversation) -> None:
    """The refusal of the model is the response of the first turn; the second turn works."""
    [declined], *others = split_turns(conversation.provider.steps)
    answer = conversation.say("Please do it.")
    assert not conversation.provider.faults, conversation.provider.faults
    assert answer.code is None, answer.document
    assert answer.document["status"] == "done"
    expected = declined.text or declined.refusal
    assert answer.response
    assert answer.response.startswith(expected)
    for turn in others:
        conversation.run_turn(turn)


def is_not_configured(conversation: Conversation) -> None:
    _fail_in_second_turn(conversation, "assistant_not_configured")


def is_unavailable(conversation: Conversation) -> None:
    _fail_in_second_turn(conversation, "assistant_unavailable")


def hides_thought(conversation: Conversation) -> None:
    """An answer without any text for the user shows a sentence of the service; the second turn works."""
    _, second = split_turns(conversation.provider.steps)
    answer = conversation.say("Please add it.")
    assert answer.code is None, answer.document
    assert answer.response not in {"", FIRST_ANSWER}
    conversation.run_turn(second)


def makes_no_claim(conversation: Conversation) -> None:
    """A call that is hard to read has its effect, or its turn ends without the answer to the effect."""
    for turn in split_turns(conversation.provider.steps):
        before = conversation.account.titles()
        answer = conversation.say("Please add it.")
        assert not conversation.provider.faults, conversation.provider.faults
        added = sorted(set(conversation.account.titles()) - set(before))
        if added:
            assert (added, answer.response) == (titles_of(turn), turn[-1].text)
        else:
            assert turn[-1].text not in f"{answer.response}{answer.streamed}"
            conversation.run_turn(turn[-1:])


@dataclass(frozen=True)
class Scenario:
    """A conversation with a provider.

    `{url}` in a setting stands for the URL of the provider. `interruptions` are failures by the number of the accepted
    request, from 0.
    """

    name: str
    dialect: Dialect
    steps: Sequence[Step] = ONE_CALL
    outcome: Outcome = works
    settings: Mapping[str, str | None] = field(default_factory=dict)
    interruptions: Mapping[int, Interruption] = field(default_factory=dict)
    forms: tuple[str, ...] = ("JSON", "stream")


def _run_turns(conversation: Conversation) -> list[Answer]:
    first, *others = split_turns(conversation.provider.steps)
    answers = [conversation.run_turn(first)]
    learned = len(conversation.provider.refusals)
    answers += [conversation.run_turn(turn) for turn in others]
    assert len(conversation.provider.refusals) == learned, "A refusal was forgotten."
    return answers


def _fail_in_second_turn(conversation: Conversation, code: str) -> None:
    first, second = split_turns(conversation.provider.steps)
    conversation.run_turn(first)
    failed = conversation.say("Please add it, too.")
    assert failed.code == code, failed.document
    assert failed.document["status"] == 503
    conversation.run_turn(second)
