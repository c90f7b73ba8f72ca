"""What a client is told when the database is away, is not migrated, or a route of ours fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from fastapi import APIRouter

from functions.groups import load_routers
from tests import postgres, serving
from tests.accounts import AUTH, PASSWORD, TODOS, new_email, problem
from tests.conftest import FRONT_END
from todo_core.settings import Settings
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

pytestmark = pytest.mark.pooler

ORIGIN = {"Origin": FRONT_END}
SECRET = "what-the-exception-quotes"

failing = APIRouter()


@failing.get("/fail")
async def fail() -> None:
    raise RuntimeError(SECRET)


@failing.get("/fail/{number}")
async def fail_to_answer(number: int) -> int:
    return str(number) + SECRET  # type: ignore[return-value]


@contextmanager
def served(database_url: str) -> Iterator[httpx2.Client]:
    """A client of the service on another database, whose schema nobody brings up to date."""
    settings = Settings(database={"url": database_url}, cors_origins=(FRONT_END,), bcrypt_rounds=4)
    app = create_app(*load_routers("auth", "todos", "meta"), failing, settings=settings)
    with serving.in_process(app) as surface, surface.client() as client:
        yield client
        surface.portal.call(get_resources(app).database.close)


@pytest.fixture(scope="module", params=["nothing listens", "no such database"])
def away(request: pytest.FixtureRequest, server_url: str) -> Iterator[httpx2.Client]:
    """A client of the service whose database is not there."""
    if request.param == "nothing listens":
        url = f"postgresql://ada@127.0.0.1:{serving.free_port()}/todos"
    else:
        with postgres.database(server_url, migrated=False) as url:
            pass  # dropped again before the first request
    with served(url) as client:
        yield client


@pytest.fixture(scope="module")
def unmigrated(server_url: str) -> Iterator[httpx2.Client]:
    with postgres.database(server_url, migrated=False) as url, served(url) as client:
        yield client


@pytest.fixture
def well(database_url: str) -> Iterator[httpx2.Client]:
    with served(database_url) as client:
        yield client


def may_be_read(response: httpx2.Response) -> bool:
    return response.headers.get_list("access-control-allow-origin") == [FRONT_END]


class TestDatabaseAway:
    def test_the_process_lives(self, away: httpx2.Client) -> None:
        assert away.get("/health").json() == {"status": "ok"}

    def test_it_is_not_ready_and_says_why(self, away: httpx2.Client) -> None:
        response = away.get("/health/ready")

        problem(response, 503, "database_unavailable")
        assert int(response.headers["retry-after"]) > 0

    @pytest.mark.parametrize("path", ["register", "login"])
    def test_signing_up_and_in_wait(self, away: httpx2.Client, path: str) -> None:
        response = away.post(f"{AUTH}/{path}", json={"email": new_email(), "password": PASSWORD}, headers=ORIGIN)

        problem(response, 503, "database_unavailable")
        assert int(response.headers["retry-after"]) > 0
        assert may_be_read(response)

    def test_a_browser_may_read_when_to_come_back(self, away: httpx2.Client) -> None:
        exposed = away.get("/health/ready", headers=ORIGIN).headers["access-control-expose-headers"]

        assert "retry-after" in exposed.lower()

    @pytest.mark.parametrize(("path", "status"), [(TODOS, 401), (f"{TODOS}?limit=0", 401), ("/openapi.json", 200)])
    def test_what_needs_no_database_answers(self, away: httpx2.Client, path: str, status: int) -> None:
        assert away.get(path).status_code == status

    def test_who_was_never_signed_in_may_sign_out(self, away: httpx2.Client) -> None:
        assert away.post(f"{AUTH}/logout").status_code == 204


class TestSchemaOutdated:
    def test_the_process_lives(self, unmigrated: httpx2.Client) -> None:
        assert unmigrated.get("/health").status_code == 200

    def test_a_database_without_tables_is_not_ready(self, unmigrated: httpx2.Client) -> None:
        response = unmigrated.get("/health/ready")

        problem(response, 503, "schema_outdated")
        assert int(response.headers["retry-after"]) > 0

    @pytest.mark.parametrize(
        "change", ["UPDATE alembic_version SET version_num = '0000'", "DELETE FROM alembic_version"]
    )
    def test_a_database_at_another_revision_is_not_ready(self, server_url: str, change: str) -> None:
        with postgres.database(server_url) as url, served(url) as client:
            assert client.get("/health/ready").status_code == 200

            postgres.run(url, change)

            problem(client.get("/health/ready"), 503, "schema_outdated")


class TestFaultOfOurs:
    @pytest.mark.parametrize("path", ["/fail", "/fail/7"])
    def test_it_is_a_problem_that_can_be_reported(self, well: httpx2.Client, path: str) -> None:
        response = well.get(path, headers={"X-Request-ID": "the-one-that-failed"})

        assert problem(response, 500, "internal_error")["request_id"] == "the-one-that-failed"

    @pytest.mark.parametrize("path", ["/fail", "/fail/7"])
    def test_it_tells_nothing_of_what_happened(self, well: httpx2.Client, path: str) -> None:
        response = well.get(path)

        assert SECRET not in response.text + str(response.headers)
        assert "Error" not in response.text

    def test_a_browser_may_read_it(self, well: httpx2.Client) -> None:
        assert may_be_read(well.get("/fail", headers=ORIGIN))

    def test_it_has_the_headers_of_every_response(self, well: httpx2.Client) -> None:
        headers = well.get("/fail").headers

        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "Origin" in headers["vary"]

    def test_the_next_request_is_served(self, well: httpx2.Client) -> None:
        well.get("/fail")

        assert well.get("/health/ready").status_code == 200
