"""Limits of requests: per minute and in flight, by client, and for the whole process. Tests start apps of their own."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from functions.groups import load_routers
from functions.todos.paths import TODOS
from tests import serving
from tests.accounts import AUTH, Account, Newcomers, problem
from tests.conftest import FRONT_END, SECRET_KEY
from tests.locked_log import locked_log
from tests.serving import InProcess, wait_until
from tests.surfaces.api_tokens import add_token, invent_token
from todo_core import workload
from todo_core.limits import RequestLimits
from todo_core.settings import Settings
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

ORIGIN = {"Origin": FRONT_END}


@dataclass(frozen=True)
class Limited:
    """A service with low limits, and accounts in it."""

    surface: InProcess
    newcomers: Newcomers

    def count_requests(self) -> int:
        """Returns the number of requests on which the service works."""
        return get_resources(self.surface.app).workload.count

    def count_uses(self) -> int:
        """Returns the number of statements and transactions that the service has sent to the database."""
        return get_resources(self.surface.app).database.pool_use.uses

    @contextmanager
    def account(self) -> Iterator[Account]:
        with self.surface.client() as client:
            yield self.newcomers.sign_in(client)


@contextmanager
def serving_with(limits: RequestLimits, database_url: str, newcomers: Newcomers) -> Iterator[Limited]:
    settings = Settings(
        database={"url": database_url},
        secret_key=SECRET_KEY,
        cors_origins=(FRONT_END,),
        request_limits=limits,
        bcrypt_rounds=4,
    )
    app = create_app(*load_routers("auth", "todos", "meta"), settings=settings)
    with serving.in_process(app) as surface:
        yield Limited(surface, newcomers)
        surface.portal.call(get_resources(app).database.close)


@pytest.fixture
def three(database_url: str, newcomers: Newcomers) -> Iterator[Limited]:
    """Service that accepts three requests of a client in a minute."""
    limits = RequestLimits(requests_per_minute=3, requests_in_flight=10, requests_at_once=100)
    with serving_with(limits, database_url, newcomers) as service:
        yield service


def read_parameters(header: str) -> dict[str, dict[str, int]]:
    """Returns the integer parameters of the items in a structured list, by the string of the item."""
    return {
        name: {key: int(value) for key, value in re.findall(r";([a-z]+)=(\d+)", parameters)}
        for name, parameters in re.findall(r'"([a-z-]+)"((?:;[^,]+)+)', header)
    }


class TestRequestsPerMinute:
    def test_requests_past_the_limit_are_429_with_a_time_to_wait(self, three: Limited) -> None:
        with three.account() as ada:
            assert [ada.client.get(TODOS).status_code for _ in range(3)] == [200] * 3
            refused = ada.client.get(TODOS)

        problem(refused, 429, "rate_limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 20

    def test_other_users_are_not_affected(self, three: Limited) -> None:
        with three.account() as ada, three.account() as bob:
            assert [ada.client.get(TODOS).status_code for _ in range(4)] == [200, 200, 200, 429]
            assert bob.client.get(TODOS).status_code == 200

    def test_bearer_tokens_count_apart_from_the_cookie(self, three: Limited) -> None:
        with three.account() as ada, three.surface.client() as program:
            assert [ada.client.get(TODOS).status_code for _ in range(4)] == [200, 200, 200, 429]
            responses = [program.get(TODOS, headers=ada.bearer) for _ in range(4)]

        assert [response.status_code for response in responses] == [200, 200, 200, 429]

    def test_api_tokens_count_with_the_other_bearer_tokens_of_the_user(self, three: Limited, database_url: str) -> None:
        with three.account() as ada, three.surface.client() as program:
            first, second = (add_token(database_url, ada) for _ in range(2))
            # The first request of each token counts for its network, which needs no token.
            assert [program.get(TODOS, headers=token).status_code for token in (first, second)] == [200, 200]
            statuses = [program.get(TODOS, headers=token).status_code for token in (first, second, ada.bearer, first)]
            assert ada.client.get(TODOS).status_code == 200

        assert statuses == [200, 200, 200, 429]

    def test_unknown_api_tokens_count_by_network(self, three: Limited) -> None:
        with three.surface.client(address="2001:db8:3::1") as client:
            tokens = [{"Authorization": f"Bearer {invent_token()}"} for _ in range(4)]
            assert [client.get(TODOS, headers=token).status_code for token in tokens] == [401, 401, 401, 429]

    def test_an_unknown_api_token_is_looked_up_once(self, three: Limited) -> None:
        token = {"Authorization": f"Bearer {invent_token()}"}
        with three.surface.client() as client:
            before = three.count_uses()
            assert [client.get(TODOS, headers=token).status_code for _ in range(3)] == [401] * 3

        assert three.count_uses() == before + 1

    def test_a_malformed_api_token_is_not_looked_up(self, three: Limited) -> None:
        with three.surface.client() as client:
            before = three.count_uses()
            assert client.get(TODOS, headers={"Authorization": f"Bearer {invent_token()}x"}).status_code == 401

        assert three.count_uses() == before

    def test_all_sessions_of_a_user_share_one_limit(self, three: Limited) -> None:
        with three.account() as ada, three.surface.client() as other:
            other.cookies.set("session_token", ada.token)
            statuses = [client.get(TODOS).status_code for client in (ada.client, other) * 2]

        assert statuses == [200, 200, 200, 429]

    def test_requests_without_a_valid_session_count_by_network(self, three: Limited) -> None:
        with three.surface.client(address="2001:db8:1::1") as one, three.surface.client(address="2001:db8:1::2") as two:
            bad, cookie = {"Authorization": "Bearer x"}, {"Cookie": "session_token=x"}
            statuses = [
                client.get(TODOS, headers=headers).status_code
                for client, headers in ((one, {}), (two, bad), (one, cookie), (two, {}))
            ]
            with three.surface.client(address="2001:db8:2::1") as other:
                assert other.get(TODOS).status_code == 401

        assert statuses == [401, 401, 401, 429]

    def test_an_invalid_token_does_not_count_for_the_user_it_names(self, three: Limited) -> None:
        with three.account() as ada, three.surface.client() as stranger:
            forged = {"Authorization": f"Bearer {ada.token[:-3]}AAA"}
            assert [stranger.get(TODOS, headers=forged).status_code for _ in range(4)] == [401, 401, 401, 429]
            assert ada.client.get(TODOS).status_code == 200

    def test_a_long_response_counts_as_several_requests(self, three: Limited) -> None:
        with three.account() as ada:
            document = ada.client.get("/openapi.json")
            refused = ada.client.get(TODOS)

        assert len(document.content) > 3 * 32 * 1024
        problem(refused, 429, "rate_limited")
        assert int(refused.headers["Retry-After"]) <= 20
        assert read_parameters(refused.headers["RateLimit"])["minute"]["r"] == 0

    def test_unknown_paths_count_too(self, three: Limited) -> None:
        with three.account() as ada:
            assert [ada.client.get("/api/v1/nothing").status_code for _ in range(4)] == [404, 404, 404, 429]

    @pytest.mark.parametrize("path", ["/health", "/health/", "/health/ready"])
    def test_health_checks_have_no_limit(self, three: Limited, path: str) -> None:
        with three.surface.client() as client:
            responses = [client.get(path) for _ in range(10)]

        assert {response.status_code for response in responses} == {200}
        assert not any("ratelimit" in response.headers for response in responses)

    def test_preflights_have_no_limit(self, three: Limited) -> None:
        with three.surface.client() as client:
            asked = ORIGIN | {"Access-Control-Request-Method": "POST"}
            assert {client.options(TODOS, headers=asked).status_code for _ in range(10)} == {200}


class TestHeaders:
    def test_each_response_says_the_policy_and_what_is_left(self, three: Limited) -> None:
        with three.account() as ada:
            response = ada.client.get(TODOS)

        policy = '"minute";q=3;w=60, "in-flight";q=10;qu="concurrent-requests"'
        assert response.headers["RateLimit-Policy"] == policy
        assert read_parameters(response.headers["RateLimit"]) == {"minute": {"r": 2, "t": 40}, "in-flight": {"r": 10}}

    def test_the_rest_decreases_to_zero(self, three: Limited) -> None:
        with three.account() as ada:
            headers = [ada.client.get(TODOS).headers["RateLimit"] for _ in range(4)]

        assert [read_parameters(header)["minute"]["r"] for header in headers] == [2, 1, 0, 0]

    def test_the_time_to_wait_is_not_before_the_end_of_the_window(self, three: Limited) -> None:
        with three.account() as ada:
            refused = [ada.client.get(TODOS) for _ in range(4)][-1]

        window = read_parameters(refused.headers["RateLimit"])["minute"]["t"]
        assert int(refused.headers["Retry-After"]) >= window

    def test_pages_of_other_origins_can_read_a_refusal(self, three: Limited) -> None:
        with three.account() as ada:
            refused = [ada.client.get(TODOS, headers=ORIGIN) for _ in range(4)][-1]

        assert refused.status_code == 429
        assert refused.headers["Access-Control-Allow-Origin"] == FRONT_END
        exposed = {name.strip() for name in refused.headers["Access-Control-Expose-Headers"].split(",")}
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= exposed

    def test_errors_have_the_headers_too(self, three: Limited) -> None:
        with three.surface.client() as client:
            response = client.post(f"{AUTH}/login", json={})

        assert response.status_code == 422
        assert "RateLimit" in response.headers


class TestRequestsInFlight:
    def test_requests_past_the_limit_are_429_at_once(self, database_url: str, newcomers: Newcomers) -> None:
        limits = RequestLimits(requests_per_minute=1000, requests_in_flight=1, requests_at_once=100)
        with serving_with(limits, database_url, newcomers) as service, service.account() as ada:
            with writing(service, database_url, ada):
                refused = ada.client.get(TODOS)
                assert read_parameters(refused.headers["RateLimit"])["in-flight"] == {"r": 0}
                with service.account() as bob:
                    assert bob.client.get(TODOS).status_code == 200
            assert ada.client.get(TODOS).status_code == 200

        problem(refused, 429, "rate_limited")
        assert refused.headers["Retry-After"] == "1"


class TestRequestsAtOnce:
    @pytest.fixture
    def with_places(
        self, database_url: str, newcomers: Newcomers, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[[int], Limited]]:
        """Starts a service that works on a number of requests."""
        # Requests that wait for a lock are no overload, however long they wait.
        monkeypatch.setattr(workload, "_PATIENCE_SECONDS", 1e9)
        with ExitStack() as stack:

            def start(places: int) -> Limited:
                limits = RequestLimits(requests_per_minute=1000, requests_in_flight=100, requests_at_once=places)
                return stack.enter_context(serving_with(limits, database_url, newcomers))

            yield start

    def test_requests_past_the_limit_are_503_at_once(
        self, with_places: Callable[[int], Limited], direct_url: str
    ) -> None:
        service = with_places(3)
        with ExitStack() as stack:
            accounts = [stack.enter_context(service.account()) for _ in range(4)]
            # A pooler may have five connections: those of three writes, and one for the health check.
            with writing(service, direct_url, *accounts[:3]):
                refused = accounts[3].client.get(TODOS, headers=ORIGIN)
                assert accounts[3].client.get("/health/ready").status_code == 200
            assert accounts[3].client.get(TODOS).status_code == 200

        problem(refused, 503, "too_busy")
        assert refused.headers["Retry-After"] == "1"
        assert refused.headers["Access-Control-Allow-Origin"] == FRONT_END

    def test_a_client_without_a_request_gets_a_place_when_all_are_taken(
        self, with_places: Callable[[int], Limited], direct_url: str
    ) -> None:
        # A fifth request of another client has a place too.
        service = with_places(4)
        with ExitStack() as stack:
            accounts = [stack.enter_context(service.account()) for _ in range(5)]
            # A pooler may have five connections: those of four writes and of one list, but none for the lock.
            with writing(service, direct_url, *accounts[:4]):
                problem(accounts[0].client.get(TODOS), 503, "too_busy")
                assert accounts[4].client.get(TODOS).status_code == 200


@contextmanager
def writing(service: Limited, database_url: str, *accounts: Account) -> Iterator[None]:
    """Keeps one write of each account in flight during the block."""

    def write(account: Account) -> int:
        with service.surface.client() as client:
            client.cookies.set("session_token", account.token)
            return client.post(TODOS, json={"title": "Buy milk"}).status_code

    with ThreadPoolExecutor(len(accounts)) as threads:
        with locked_log(database_url, *accounts):
            writes = [threads.submit(write, account) for account in accounts]
            wait_until(lambda: service.count_requests() == len(accounts))
            yield
        assert {each.result() for each in writes} == {201}
