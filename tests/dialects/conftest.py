"""The app whose model is a scripted provider, for one scenario after another."""

from collections.abc import Callable, Iterator, Mapping
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


@pytest.fixture
def start(
    _chat_app: InProcess,
    _providers: ProviderServer,
    _newcomers: Newcomers,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Start]:
    """Starts the conversation of a new user in a scenario. The pauses before retries take no time."""
    monkeypatch.setattr("random.uniform", lambda _low, _high: 0.0)
    app, portal = _chat_app.app, _chat_app.portal
    with _chat_app.client() as client:

        def begin(scenario: Scenario, form: str) -> Conversation:
            provider = Provider(scenario.dialect, scenario.steps, scenario.interruptions)
            name = f"{form}-{scenario.name}".replace(" ", "-").replace("/", "-")
            url = _providers.mount(name, provider.answer)
            variables = {**_SETTINGS, **scenario.settings}
            filled = {variable: value and value.replace("{url}", url) for variable, value in variables.items()}
            settings = _settings(environment | filled)
            app.state.assistant = Assistant.from_settings(settings, get_resources(app).database)
            return Conversation(_newcomers.sign_in(client), provider, is_streamed=form == "stream")

        yield begin
    if hasattr(app.state, "assistant"):
        portal.call(app.state.assistant.model.close)
        del app.state.assistant


def _settings(variables: Mapping[str, str | None]) -> Settings:
    return Settings(**nest_variables(variables))
