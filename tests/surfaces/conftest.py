"""Runs the tests that use `surface` once for each surface, which is a way of serving the service."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import httpx2
import pytest

from tests import emulator, engine, sam, serving
from tests.accounts import AUTH, CHAT, TAGS, TODOS, WEBHOOKS, Account, Newcomers, sign_up
from tests.authenticators import Authenticator, add_passkey
from tests.conftest import SECRET_KEY
from tests.deploy import artifacts
from tests.deploy.artifacts import Build
from tests.engine import OnEngine
from tests.kubernetes import OnCluster, Release
from tests.model_replies import Call, Say
from tests.relay import relayed
from tests.scripted_model import ScriptedModel
from tests.serving import Surface
from tests.surfaces.adversarial.adversary import HostileChat, Victim, call_on, stored_data
from tests.surfaces.oauth import make_client
from tests.surfaces.push_subscriptions import subscribe

FOLDER = Path(__file__).parent
SURFACES = ("app", "uvicorn", "lambda", "emulator")


@pytest.fixture(scope="session")
def app_surface(environment: dict[str, str]) -> Iterator[Surface]:
    assert environment
    with serving.in_process(import_module("functions.main").app) as surface:
        yield surface


@pytest.fixture(scope="session")
def uvicorn_surface(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surface]:
    folder = str(tmp_path_factory.mktemp("uvicorn"))
    with serving.on_port(environment, folder=folder) as surface:
        yield surface


@pytest.fixture(scope="session")
def lambda_surface(environment: dict[str, str]) -> Iterator[Surface]:
    assert environment
    yield serving.OnLambda()
    serving.close_functions()


@pytest.fixture(scope="session")
def emulator_surface(environment: dict[str, str], build: Build, runtime: Path) -> Iterator[Surface]:
    with emulator.on_emulator(build, runtime, environment) as surface:
        yield surface


@pytest.fixture(scope="session")
def sam_surface(environment: dict[str, str], shared_folder: Path) -> Iterator[Surface]:
    build = artifacts.build(artifacts.ARCHITECTURE, shared_folder)
    with sam.on_sam(build, environment) as surface:
        yield surface


@pytest.fixture(scope="session")
def container_surface(
    environment: dict[str, str], database_url: str, image: str, scripted: ScriptedModel
) -> Iterator[Surface]:
    with relayed(database_url, host=engine.HOST) as url:
        settings = engine.settings_for_containers(environment, url) | {"FORWARDED_ALLOW_IPS": engine.BRIDGES}
        with engine.container(image, settings) as container:
            container.wait_until_healthy()
            surface = OnEngine(container)
            with surface.client() as client:
                # Runs the first turn before the tests: it also loads the OpenAI client, and may time out.
                scripted.play(Say("Hello."))
                sign_up(client).client.post(CHAT, json={"message": "Hello"})
            yield surface


@pytest.fixture(scope="session")
def cluster_surface(
    environment: dict[str, str], database_url: str, release: Release, scripted: ScriptedModel
) -> Iterator[Surface]:
    with relayed(database_url, host=release.this_machine) as url:
        release.use_external_database({**environment, "DATABASE_URL": url})
        surface = OnCluster(release)
        # Runs turns until probably each pod has loaded the OpenAI client, because a pod's first turn may time out.
        scripted.answer_with(lambda _: Say("Hello."))
        for _ in range(20):
            with surface.client() as client:
                sign_up(client).client.post(CHAT, json={"message": "Hello"})
        yield surface


def pytest_itemcollected(item: pytest.Item) -> None:
    """Adds all tests of this folder to the suite that runs through a connection pooler."""
    item.add_marker("pooler")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "surface" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--surface") or SURFACES
        metafunc.parametrize("surface", chosen, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Applies --one-example. If only containers are tested, deselects tests without a surface. Sorts the others."""
    ours = [item for item in items if item.path.is_relative_to(FOLDER)]
    left_out: set[pytest.Item] = set()
    surfaces = set(config.getoption("--surface") or SURFACES)
    if surfaces <= {"sam", "container", "cluster"}:
        left_out |= {item for item in ours if not _runs_there(item, surfaces)}
    if which := config.getoption("--one-example"):
        left_out |= set(_other_examples(ours, every_example_on=set() if which == "all" else {"app"}))
    config.hook.pytest_deselected(items=left_out)
    # The slower surfaces come first: at the end of the run, idle workers would wait for their tests.
    kept = [item for item in items if item not in left_out]
    items[:] = sorted(kept, key=lambda item: _surface_of(item) in {None, "app"})


def _surface_of(item: pytest.Item) -> str | None:
    """Returns the name of the surface on which the test runs, None for a test without a surface."""
    if not (isinstance(item, pytest.Function) and "surface" in item.fixturenames):
        return None
    return str(item.callspec.params["surface"])


def _runs_there(item: pytest.Item, surfaces: set[str]) -> bool:
    return _surface_of(item) is not None and not ("sam" in surfaces and sam.find_exclusion_reason(item.nodeid))


def _other_examples(items: list[pytest.Item], *, every_example_on: set[str]) -> Iterator[pytest.Function]:
    """Yields all parameter sets of each test except its first one, for each surface that runs not every example."""
    seen: set[tuple[object, ...]] = set()
    for item in items:
        surface = _surface_of(item)
        if isinstance(item, pytest.Function) and surface is not None and surface not in every_example_on:
            test = item.path, item.cls, item.originalname, surface
            if test in seen:
                yield item
            seen.add(test)


@pytest.fixture
def surface(request: pytest.FixtureRequest) -> Surface:
    found: Surface = request.getfixturevalue(f"{request.param}_surface")
    return found


@pytest.fixture
def client(surface: Surface) -> Iterator[httpx2.Client]:
    """HTTP client of the surface that is not signed in."""
    with surface.client() as client:
        yield client


@pytest.fixture(scope="session")
def newcomers(database_url: str) -> Newcomers:
    return Newcomers(database_url, SECRET_KEY)


@pytest.fixture
def ada(surface: Surface, newcomers: Newcomers) -> Iterator[Account]:
    """A new account, signed in by cookie."""
    with surface.client() as client:
        yield newcomers.sign_in(client)


@pytest.fixture
def bob(surface: Surface, newcomers: Newcomers) -> Iterator[Account]:
    """Another new account, signed in by cookie."""
    with surface.client() as client:
        yield newcomers.sign_in(client)


@pytest.fixture(scope="session")
def _created_victim(app_surface: Surface, scripted: ScriptedModel) -> Iterator[Victim]:
    with app_surface.client() as client:
        account = sign_up(client)
        add_passkey(account, Authenticator())
        client.post(f"{AUTH}/tokens", json={"name": "Secret", "scopes": ["chat"]}).raise_for_status()
        make_client(client).connect(account)
        subscribe(account, "https://push.example.com/secret")
        project = account.add_project("Secret project")
        live, trashed, waiting = (
            account.add(f"Secret {word}", tags=["hidden"], project_id=project["id"]) for word in ("plan", "past", "end")
        )
        renamed = client.patch(f"{TAGS}/hidden", json={"name": "secret"}).raise_for_status().json()
        client.delete(f"{TODOS}/{trashed['id']}").raise_for_status()
        webhook = client.post(WEBHOOKS, json={"url": "https://secret.example.com/"}).json()["id"]
        client.post(f"{WEBHOOKS}/{webhook}/test").raise_for_status()
        client.patch(f"{WEBHOOKS}/{webhook}", json={"enabled": False}).raise_for_status()
        chat = HostileChat(account, scripted)
        done = chat.run_turn(Call("add_todos", {"todos": [{"title": "Secret addition"}]}), Say("Secret answer."))
        waiting_turn = chat.run_turn(call_on("delete_todos", [waiting["id"]]), conversation_id=done["conversation_id"])
        assert waiting_turn["status"] == "needs_approval"
        yield Victim(
            account=account,
            live=live["id"],
            trashed=trashed["id"],
            project=project["id"],
            webhook=webhook,
            tag_change=renamed["turn_id"],
            done=done,
            waiting=waiting_turn,
            stored_data=stored_data(account),
        )


@pytest.fixture
def victim(_created_victim: Victim) -> Iterator[Victim]:
    """Another user with todos, a project and turns. Fails a test that changes any data of this user."""
    yield _created_victim
    assert stored_data(_created_victim.account) == _created_victim.stored_data


@pytest.fixture
def chat(ada: Account, scripted: ScriptedModel) -> Iterator[HostileChat]:
    """Ada with a hostile model, whose replies the test plans. Checks the invariants of her turns after the test."""
    chat = HostileChat(ada, scripted)
    yield chat
    chat.check_invariants()


@pytest.fixture
def model(scripted: ScriptedModel) -> Iterator[ScriptedModel]:
    """The scripted model, whose replies the test plans. Fails the test after a request without a planned reply."""
    scripted.play()
    yield scripted
    assert scripted.unexpected == []
