"""Responses while the database is unavailable or not migrated, and when a route raises an unexpected error."""

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
SECRET = "secret-in-the-exception"

failing = APIRouter()


@failing.get("/fail")
async def fail() -> None:
    raise RuntimeError(SECRET)


@failing.get("/fail/{number}")
async def fail_to_answer(number: int) -> int:
    return str(number) + SECRET  # type: ignore[return-value]


@contextmanager
def served(database_url: str) -> Iterator[httpx2.Client]:
    """Yields a client of a service in this process that uses the given database, and does not migrate it."""
    settings = Settings(database={"url": database_url}, cors_origins=(FRONT_END,), bcrypt_rounds=4, readiness_seconds=0)
    app = create_app(*load_routers("auth", "todos", "meta"), failing, settings=settings)
    with serving.in_process(app) as surface, surface.client() as client:
        yield client
        surface.portal.call(get_resources(app).database.close)


@pytest.fixture(scope="module", params=["nothing listens", "no such database"])
def unavailable(request: pytest.FixtureRequest, server_url: str) -> Iterator[httpx2.Client]:
    """A client of a service without a database: nothing listens at its port, or the database does not exist."""
    if request.param == "nothing listens":
        url = f"postgresql://ada@127.0.0.1:{serving.free_port()}/todos"
    else:
        with postgres.database(server_url, migrated=False) as url:
            pass  # the end of the block drops the database before the first request
    with served(url) as client:
        yield client


@pytest.fixture(scope="module")
def unmigrated(server_url: str) -> Iterator[httpx2.Client]:
    with postgres.database(server_url, migrated=False) as url, served(url) as client:
        yield client


@pytest.fixture
def healthy(database_url: str) -> Iterator[httpx2.Client]:
    with served(database_url) as client:
        yield client


def is_readable_by_front_end(response: httpx2.Response) -> bool:
    return response.headers.get_list("access-control-allow-origin") == [FRONT_END]


class TestDatabaseUnavailable:
    def test_health_reports_ok(self, unavailable: httpx2.Client) -> None:
        assert unavailable.get("/health").json() == {"status": "ok"}

    def test_readiness_reports_the_unavailable_database(self, unavailable: httpx2.Client) -> None:
        response = unavailable.get("/health/ready")

        problem(response, 503, "database_unavailable")
        assert int(response.headers["retry-after"]) > 0

    @pytest.mark.parametrize("path", ["register", "login"])
    def test_registration_and_login_answer_503(self, unavailable: httpx2.Client, path: str) -> None:
        response = unavailable.post(f"{AUTH}/{path}", json={"email": new_email(), "password": PASSWORD}, headers=ORIGIN)

        problem(response, 503, "database_unavailable")
        assert int(response.headers["retry-after"]) > 0
        assert is_readable_by_front_end(response)

    def test_a_browser_may_read_retry_after(self, unavailable: httpx2.Client) -> None:
        exposed = unavailable.get("/health/ready", headers=ORIGIN).headers["access-control-expose-headers"]

        assert "retry-after" in exposed.lower()

    @pytest.mark.parametrize(("path", "status"), [(TODOS, 401), (f"{TODOS}?limit=0", 401), ("/openapi.json", 200)])
    def test_a_request_that_needs_no_database_is_answered(
        self, unavailable: httpx2.Client, path: str, status: int
    ) -> None:
        assert unavailable.get(path).status_code == status

    def test_logout_without_a_session_succeeds(self, unavailable: httpx2.Client) -> None:
        assert unavailable.post(f"{AUTH}/logout").status_code == 204


class TestSchemaOutdated:
    def test_health_reports_ok(self, unmigrated: httpx2.Client) -> None:
        assert unmigrated.get("/health").status_code == 200

    def test_a_database_without_tables_is_not_ready(self, unmigrated: httpx2.Client) -> None:
        response = unmigrated.get("/health/ready")

        problem(response, 503, "schema_outdated")
        assert int(response.headers["retry-after"]) > 0

    def test_a_newer_schema_is_ready(self, server_url: str) -> None:
        """Old code still serves when the migration of an update has run."""
        with postgres.database(server_url) as url, served(url) as client:
            postgres.run(url, "UPDATE alembic_version SET version_num = '9000'")

            assert client.get("/health/ready").status_code == 200

    @pytest.mark.parametrize(
        "change", ["UPDATE alembic_version SET version_num = '0000'", "DELETE FROM alembic_version"]
    )
    def test_a_database_at_an_older_revision_is_not_ready(self, server_url: str, change: str) -> None:
        with postgres.database(server_url) as url, served(url) as client:
            assert client.get("/health/ready").status_code == 200

            postgres.run(url, change)

            problem(client.get("/health/ready"), 503, "schema_outdated")


class TestUnexpectedError:
    @pytest.mark.parametrize("path", ["/fail", "/fail/7"])
    def test_the_problem_contains_the_request_id(self, healthy: httpx2.Client, path: str) -> None:
        response = healthy.get(path, headers={"X-Request-ID": "failed-request"})

        assert problem(response, 500, "internal_error")["request_id"] == "failed-request"

    @pytest.mark.parametrize("path", ["/fail", "/fail/7"])
    def test_the_response_contains_no_part_of_the_exception(self, healthy: httpx2.Client, path: str) -> None:
        response = healthy.get(path)

        assert SECRET not in response.text + str(response.headers)
        assert "Error" not in response.text

    def test_a_browser_may_read_the_response(self, healthy: httpx2.Client) -> None:
        assert is_readable_by_front_end(healthy.get("/fail", headers=ORIGIN))

    def test_the_response_has_the_common_headers(self, healthy: httpx2.Client) -> None:
        headers = healthy.get("/fail").headers

        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "Origin" in headers["vary"]

    def test_the_next_request_is_served(self, healthy: httpx2.Client) -> None:
        healthy.get("/fail")

        assert healthy.get("/health/ready").status_code == 200
