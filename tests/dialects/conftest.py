"""The app whose model is a scripted provider, for one scenario after another."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from functions.groups import load_routers
from tests import serving
from tests.accounts import Newcomers
from tests.conftest import SECRET_KEY
from tests.dialects.conversation import Conversation
from tests.dialects.provider import KEY, Provider
from tests.dialects.provider_server import ProviderServer, provider_server
from tests.dialects.scenarios import Scenario
from tests.serving import InProcess
from todo_assistant.assistant import Assistant
from todo_core.settings import Settings, nest_variables
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

type Start = Callable[[Scenario, str], Conversation]
type Switch = Callable[[Conversation, Scenario], None]
_ROUTES: Final = ("todos", "chat")
_SETTINGS: Final[dict[str, str | None]] = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "{url}/v1"}


@pytest.fixture(scope="session")
def _providers() -> Iterator[ProviderServer]:
    with provider_server() as server:
        yield server


@pytest.fixture(scope="session")
def _chat_app(environment: dict[str, str]) -> Iterator[InProcess]:
    app = create_app(*load_routers(*_ROUTES), settings=_settings(environment))
    with serving.in_process(app) as surface:
        yield surface
        surface.portal.call(get_resources(app).database.close)


@pytest.fixture(scope="session")
def _newcomers(database_url: str) -> Newcomers:
    return Newcomers(database_url, SECRET_KEY)


@dataclass
class Stage:
    """Connects the assistant of the app to one provider after another."""

    surface: InProcess
    providers: ProviderServer
    environment: Mapping[str, str]

    def connect(self, scenario: Scenario, name: str) -> Provider:
        """Returns the provider of a scenario, which from now on answers the assistant."""
        self.close()
        provider = Provider(scenario.dialect, scenario.steps, scenario.interruptions)
        url = self.providers.mount(name.replace(" ", "-").replace("/", "-"), provider.answer)
        variables = {**_SETTINGS, **scenario.settings}
        filled = {variable: value and value.replace("{url}", url) for variable, value in variables.items()}
        app = self.surface.app
        app.state.assistant = Assistant.from_settings(
            _settings({**self.environment, **filled}), get_resources(app).database
        )
        return provider

    def close(self) -> None:
        """Closes the connections to the current provider."""
        if hasattr(self.surface.app.state, "assistant"):
            self.surface.portal.call(self.surface.app.state.assistant.model.close)
            del self.surface.app.state.assistant


@pytest.fixture
def stage(
    _chat_app: InProcess,
    _providers: ProviderServer,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    """Stage on which the pauses before retries take no time."""
    monkeypatch.setattr("random.uniform", lambda _low, _high: 0.0)
    stage = Stage(_chat_app, _providers, environment)
    yield stage
    stage.close()


@pytest.fixture
def start(stage: Stage, _newcomers: Newcomers) -> Iterator[Start]:
    """Starts the conversation of a new user in a scenario."""
    with stage.surface.client() as client:

        def begin(scenario: Scenario, form: str) -> Conversation:
            provider = stage.connect(scenario, f"{form}-{scenario.name}")
            return Conversation(_newcomers.sign_in(client), provider, is_streamed=form == "stream")

        yield begin


@pytest.fixture
def switch(stage: Stage) -> Switch:
    """Lets another provider continue a conversation."""

    def continue_with(conversation: Conversation, scenario: Scenario) -> None:
        form = "stream" if conversation.is_streamed else "JSON"
        provider = stage.connect(scenario, f"{form}-then-{scenario.name}")
        provider.take_over(conversation.provider)
        conversation.provider = provider

    return continue_with


def _settings(variables: Mapping[str, str | None]) -> Settings:
    return Settings(**nest_variables(variables))
