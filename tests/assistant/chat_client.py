"""A client of the chat routes, and a service with settings for one test."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from functions.chat.routes import close_assistant
from functions.groups import load_routers
from tests import serving
from tests.accounts import CHAT, Account, sign_up
from todo_core.settings import Settings, nest_variables
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

type Json = dict[str, Any]


@contextmanager
def new_account(environment: dict[str, str], **settings: object) -> Iterator[Account]:
    """Yields a new account at a service in this process. `settings` override the variables of `environment`."""
    with ExitStack() as stack:
        app = create_app(
            *load_routers("auth", "todos", "chat"), settings=Settings(**nest_variables(environment | settings))
        )
        surface = stack.enter_context(serving.in_process(app))
        stack.callback(surface.portal.call, get_resources(app).database.close)
        stack.callback(surface.portal.call, close_assistant, app)
        yield sign_up(stack.enter_context(surface.client()))


class ChatClient:
    """A user who sends all messages in one conversation and in the time zone Europe/Berlin."""

    def __init__(self, user: Account) -> None:
        self.user = user
        self._id: str | None = None

    def run_turn(self, message: str) -> Json:
        """Sends a message and returns the JSON of the turn. The first message starts the conversation."""
        body = {"message": message, "timezone": "Europe/Berlin"} | ({"conversation_id": self._id} if self._id else {})
        response = self.user.client.post(CHAT, json=body)
        assert response.status_code == 200, response.text
        turn: Json = response.json()
        self._id = turn["conversation_id"]
        return turn

    def say(self, message: str) -> str:
        """Sends a message and returns the text that the assistant responds."""
        return str(self.run_turn(message)["response"])

    def approve(self, turn_id: str, *, approve: bool = True) -> str:
        """Approves or rejects the waiting tool calls of a turn. Returns the text that the assistant responds."""
        response = self.user.client.post(f"{CHAT}/turns/{turn_id}/approval", json={"approve": approve})
        return str(response.json()["response"])
