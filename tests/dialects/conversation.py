"""Conversations of a user with the assistant whose model is a scripted provider."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.accounts import CHAT, Account
from tests.dialects.provider import Provider
from tests.dialects.provider_server import Json
from tests.dialects.steps import SECRET, Step
from tests.surfaces.chat import parse_events, streamed_text


@dataclass(frozen=True)
class Answer:
    """The answer to a message of the user: a turn, or the problem document of a failure."""

    document: Json
    streamed: str | None
    """The text of the `token` events; None if the turn was not streamed."""

    @property
    def code(self) -> str | None:
        """Code of the problem, None for a turn."""
        code: str | None = self.document.get("code")
        return code

    @property
    def response(self) -> str:
        return str(self.document.get("response"))


@dataclass
class Conversation:
    """Sends messages in one conversation, all streamed or none."""

    account: Account
    provider: Provider
    is_streamed: bool
    _id: dict[str, str] = field(default_factory=dict)

    def say(self, message: str) -> Answer:
        """Sends a message. Fails the test if the answer shows the reasoning of the model."""
        return self._post(CHAT, {"message": message, **self._id})

    def approve(self, turn_id: str, *, approve: bool) -> Answer:
        """Answers the question whether the calls of a turn may run."""
        return self._post(f"{CHAT}/turns/{turn_id}/approval", {"approve": approve})

    def _post(self, path: str, body: Json) -> Answer:
        headers = {"Accept": "text/event-stream"} if self.is_streamed else {}
        response = self.account.client.post(path, json=body, headers=headers)
        assert SECRET not in response.text
        if "event-stream" not in response.headers["content-type"]:
            answer = Answer(response.json(), None)
        else:
            events = parse_events(response.text)
            answer = Answer(events[-1][1], streamed_text(events))
            assert SECRET not in str(answer.streamed)
            self._id = {"conversation_id": events[0][1]["conversation_id"]}
        if "conversation_id" in answer.document:
            self._id = {"conversation_id": answer.document["conversation_id"]}
        return answer

    def run_turn(self, steps: Sequence[Step], message: str = "Please add it.") -> Answer:
        """Runs a turn. The turn must end with the text of the last step. The steps must have their effect once."""
        before = self.account.titles()
        answer = self.say(message)
        assert not self.provider.faults, self.provider.faults
        assert answer.code is None, (answer.document, self.provider.refusals)
        assert answer.document["status"] == "done", answer.document
        assert answer.response == steps[-1].text
        if answer.streamed is not None:
            assert answer.streamed.strip().endswith(steps[-1].text)
        assert sorted(self.account.titles()) == sorted([*before, *titles_of(steps)])
        return answer


def titles_of(steps: Sequence[Step]) -> list[str]:
    """Returns the titles of the todos that the steps add."""
    return [todo["title"] for step in steps for use in step.uses for todo in use.arguments.get("todos", [])]


def split_turns(steps: Sequence[Step]) -> list[list[Step]]:
    """Splits a script into turns. A step without tool calls ends a turn."""
    turns: list[list[Step]] = [[]]
    for step in steps:
        turns[-1].append(step)
        if not step.uses:
            turns.append([])
    return [turn for turn in turns if turn]
