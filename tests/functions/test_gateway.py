"""Functions behind API Gateway and Lambda: stages, events, responses, cookies, metrics, and reuse of a process."""

import base64
import io
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from itertools import chain
from multiprocessing import get_context
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from functions.groups import GROUPS
from tests import postgres, serving
from tests.accounts import AUTH, PASSWORD, TODOS, Account, new_email, problem, register, sign_up
from tests.model_replies import Call, Say
from tests.scripted_model import ScriptedModel
from tests.service_client import PUBLIC_URL
from tests.surfaces.adversarial.adversary import HostileChat
from tests.surfaces.test_meta import references
from todo_core.logs import log

REGISTRATIONS_PER_ADDRESS = 8


@pytest.fixture(scope="module", autouse=True)
def _functions(environment: dict[str, str]) -> None:
    assert environment


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    """Client of the functions behind API Gateway's stage `$default`."""
    with serving.OnLambda().client() as client:
        yield client


@pytest.fixture
def ada(client: httpx2.Client) -> Account:
    return sign_up(client)


@pytest.fixture(params=["prod", "api", "v1"])
def stage(request: pytest.FixtureRequest) -> str:
    """Name of an API Gateway stage. The names `api` and `v1` also occur in the paths of routes."""
    return str(request.param)


@pytest.fixture
def staged(stage: str) -> Iterator[httpx2.Client]:
    """Client of the functions behind an API Gateway stage, whose name is the first part of every path."""
    with serving.OnLambda(stage=stage).client() as client:
        yield client


def event(client: httpx2.Client, method: str, path: str, **arguments: Any) -> serving.LambdaEvent:
    return serving.gateway_event(client.build_request(method, path, **arguments))


class TestStage:
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_routes_answer_below_the_stage(self, staged: httpx2.Client, slash: str) -> None:
        ada = sign_up(staged)

        assert staged.get(f"{AUTH}/me{slash}").json() == ada.user
        assert staged.get(TODOS + slash).json() == []
        assert staged.get(f"/health{slash}").status_code == 200

    def test_the_url_of_a_todo_is_below_the_public_url(self, staged: httpx2.Client) -> None:
        sign_up(staged)

        created = staged.post(TODOS, json={"title": "Buy milk"})

        url = created.json()["url"]
        assert url == f"{PUBLIC_URL}{TODOS}/{created.json()['id']}"
        assert created.headers["location"] == url
        assert staged.get(url).json() == created.json()

    def test_the_link_to_the_next_page_is_below_the_public_url(self, staged: httpx2.Client) -> None:
        ada = sign_up(staged)
        for title in ("Buy milk", "Call Bob"):
            ada.add(title)

        link = staged.get(f"{TODOS}?limit=1").links["next"]["url"]

        assert link.startswith(f"{PUBLIC_URL}{TODOS}?")
        assert [todo["title"] for todo in staged.get(link).json()] == ["Call Bob"]

    def test_unknown_paths_below_the_stage_are_not_found(self, staged: httpx2.Client) -> None:
        problem(staged.get("/api/v1/nothing"), 404, "route_not_found")
        problem(staged.get("/pages"), 404, "route_not_found")

    @pytest.mark.parametrize(("path", "policy"), [(TODOS, "private, no-cache"), (f"{AUTH}/me", "no-store")])
    def test_cache_policies_hold_below_the_stage(self, staged: httpx2.Client, path: str, policy: str) -> None:
        assert staged.get(path).headers["cache-control"] == policy

    @pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
    def test_pages_refer_to_files_below_the_stage(self, staged: httpx2.Client, stage: str, path: str) -> None:
        found = references(staged.get(path))

        assert len(found) >= 3
        for reference in found:
            assert reference.startswith(f"/{stage}/")
            assert staged.get(urljoin("http://api.example.com", reference)).status_code == 200

    def test_the_document_names_a_server_with_the_stage(self, staged: httpx2.Client, stage: str) -> None:
        document_url = f"http://api.example.com/{stage}/openapi.json"
        (server,) = staged.get(document_url).json()["servers"]

        assert urljoin(document_url, server["url"]).rstrip("/") == f"http://api.example.com/{stage}"

    def test_the_token_url_includes_the_stage(self, staged: httpx2.Client, stage: str) -> None:
        document = staged.get("/openapi.json").json()
        token_url = document["components"]["securitySchemes"]["BearerToken"]["flows"]["password"]["tokenUrl"]
        form = {"grant_type": "password", "username": register(staged)["email"], "password": PASSWORD}

        # Swagger UI resolves the token URL against the server's URL, other tools against the document's URL.
        found = {
            urljoin(f"http://api.example.com{base}", token_url) for base in (f"/{stage}", f"/{stage}/openapi.json")
        }

        assert len(found) == 1
        assert staged.post(found.pop(), data=form).json()["token_type"] == "bearer"

    def test_a_custom_domain_may_hide_the_stage(self, ada: Account) -> None:
        request = ada.client.build_request("GET", f"{AUTH}/me")

        answer = serving.invoke("auth", serving.gateway_event(request, stage="prod"))

        assert json.loads(answer["body"]) == ada.user


class TestEvent:
    def test_a_form_in_base64_signs_in(self, client: httpx2.Client) -> None:
        form = {"username": register(client)["email"], "password": PASSWORD}
        login = event(client, "POST", f"{AUTH}/login", data=form)
        assert login["isBase64Encoded"]

        assert json.loads(serving.invoke("auth", login)["body"])["email"] == form["username"]

    def test_json_in_base64_is_read(self, ada: Account) -> None:
        creation = event(ada.client, "POST", TODOS, json={"title": "Zürich 🚲"})
        creation["body"] = base64.b64encode(creation["body"].encode()).decode()
        creation["isBase64Encoded"] = True

        assert json.loads(serving.invoke("todos", creation)["body"])["title"] == "Zürich 🚲"

    def test_the_session_is_found_among_several_cookies(self, ada: Account) -> None:
        request = event(ada.client, "GET", f"{AUTH}/me")
        request["cookies"] = ["theme=dark", f"session_token={ada.token}", "consent=yes"]

        assert json.loads(serving.invoke("auth", request)["body"]) == ada.user

    def test_all_lines_of_a_repeated_header_count(self, ada: Account) -> None:
        headers = [("If-None-Match", '"9"'), ("If-None-Match", '"1"')]

        assert ada.client.get(f"{TODOS}/{ada.add()['id']}", headers=headers).status_code == 304

    def test_all_values_of_a_repeated_parameter_count(self, ada: Account) -> None:
        ada.add("Buy milk", tags=["home", "shop"])
        ada.add("Mow the lawn", tags=["home"])

        assert ada.titles(tag=["home", "shop"]) == ["Buy milk"]

    def test_an_event_without_body_cookies_and_query_is_accepted(self, client: httpx2.Client) -> None:
        request = event(client, "GET", "/health")
        for name in ("body", "cookies", "rawQueryString"):
            del request[name]

        assert serving.invoke("meta", request)["statusCode"] == 200


class TestResponse:
    def test_each_cookie_is_an_entry_of_its_own(self, ada: Account) -> None:
        answer = serving.invoke("auth", event(ada.client, "POST", f"{AUTH}/logout"))

        assert answer["statusCode"] == 204
        assert len(answer["cookies"]) > 1
        assert all(cookie.startswith("session_token=") for cookie in answer["cookies"])
        assert "set-cookie" not in answer["headers"]

    def test_json_is_sent_as_text(self, ada: Account) -> None:
        ada.add("Zürich 🚲")

        answer = serving.invoke("todos", event(ada.client, "GET", TODOS))

        assert not answer["isBase64Encoded"]
        assert json.loads(answer["body"])[0]["title"] == "Zürich 🚲"

    @pytest.mark.parametrize(("group", "path"), [("todos", TODOS), ("auth", f"{AUTH}/me"), ("meta", "/nothing")])
    def test_a_problem_document_is_sent_as_text(self, client: httpx2.Client, group: str, path: str) -> None:
        answer = serving.invoke(group, event(client, "GET", path))

        assert not answer["isBase64Encoded"]
        assert json.loads(answer["body"])["status"] == answer["statusCode"]

    def test_an_image_is_sent_in_base64(self, client: httpx2.Client) -> None:
        answer = serving.invoke("meta", event(client, "GET", "/docs/assets/favicon.png"))

        assert answer["isBase64Encoded"]
        assert base64.b64decode(answer["body"]).startswith(b"\x89PNG")


class TestRequestId:
    def test_the_id_is_that_of_the_gateway(self, client: httpx2.Client) -> None:
        request = event(client, "GET", "/health")

        answer = serving.invoke("meta", request)

        assert answer["headers"]["x-request-id"] == request["requestContext"]["requestId"]

    def test_the_id_of_the_client_comes_first(self, client: httpx2.Client) -> None:
        assert client.get("/health", headers={"X-Request-ID": "mine"}).headers["x-request-id"] == "mine"

    def test_an_invalid_id_of_the_client_is_replaced_by_the_gateways(self, client: httpx2.Client) -> None:
        request = event(client, "GET", "/health", headers={"X-Request-ID": "two words"})

        answer = serving.invoke("meta", request)

        assert answer["headers"]["x-request-id"] == request["requestContext"]["requestId"]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class TestMetrics:
    """Lines of metrics in CloudWatch's embedded metric format, of which each request writes one."""

    def test_each_request_is_counted_by_its_route(self, ada: Account, capsys: pytest.CaptureFixture[str]) -> None:
        todo_id = ada.add()["id"]
        capsys.readouterr()

        ada.client.get(f"{TODOS}/{todo_id}")

        (line,) = [line for line in lines(capsys) if "_aws" in line]
        (described,) = line["_aws"]["CloudWatchMetrics"]
        assert described["Namespace"] == "TodoBackend"
        assert [sorted(dimensions) for dimensions in described["Dimensions"]] == [["route", "service"]]
        assert {each["Name"]: each["Unit"] for each in described["Metrics"]} == {
            "Requests": "Count",
            "Errors": "Count",
            "Latency": "Milliseconds",
        }
        assert line["route"] == f"GET {TODOS}/{{todo_id}}"
        assert (line["Requests"], line["Errors"]) == ([1.0], [0.0])
        assert line["Latency"][0] > 0

    def test_unknown_paths_share_one_dimension(self, client: httpx2.Client, capsys: pytest.CaptureFixture[str]) -> None:
        client.get("/nothing")

        assert [line["route"] for line in lines(capsys) if "_aws" in line] == ["GET (no route)"]

    def test_a_turn_counts_its_tokens_and_tool_calls(
        self, ada: Account, scripted: ScriptedModel, capsys: pytest.CaptureFixture[str]
    ) -> None:
        chat = HostileChat(ada, scripted)
        capsys.readouterr()

        turn = chat.run_turn(Call("add_todos", {"todos": [{"title": "Buy milk"}]}), Say("Done."))

        (line,) = [line for line in lines(capsys) if "ChatTurns" in line]
        assert (line["ChatTurns"], line["ToolCalls"]) == ([1.0], [1.0])
        assert line["ChatTokens"] == [turn["usage"]["prompt_tokens"] + turn["usage"]["completion_tokens"]]


class TestLog:
    def test_lines_have_the_ids_of_gateway_and_invocation(
        self, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = event(client, "GET", "/openapi.json", headers={"X-Request-ID": "mine"})
        serving.app_of("meta")
        (handler,) = (each for each in log.handlers if isinstance(each.formatter, LambdaPowertoolsFormatter))
        output = io.StringIO()
        monkeypatch.setattr(handler, "stream", output)

        serving.invoke("meta", request)

        line = json.loads(output.getvalue())
        assert line["request_id"] == "mine"
        assert line["correlation_id"] == request["requestContext"]["requestId"]
        assert line["function_request_id"]
        assert line["cold_start"] in {True, False}


class TestAddress:
    def test_rate_limits_count_the_address_that_the_gateway_reports(self) -> None:
        address = serving.new_address()
        for _ in range(REGISTRATIONS_PER_ADDRESS):
            with serving.OnLambda().client(address=address) as client:
                register(client)

        with serving.OnLambda().client(address=address) as client:
            body = {"email": new_email(), "password": PASSWORD}
            spoofed = client.post(f"{AUTH}/register", json=body, headers={"X-Forwarded-For": "198.51.100.7"})

        problem(spoofed, 429, "too_many_attempts")
        with serving.OnLambda().client() as elsewhere:
            register(elsewhere)


def backends_over_invocations(url: str) -> list[list[int]]:
    """Returns the process ids of the service's database connections after each of four invocations.

    Runs in a process of its own, because the function must start with this database.
    """
    os.environ["DATABASE_URL"] = url
    request = httpx2.Request("GET", "http://api.example.com/health/ready")
    seen = []
    for _ in range(4):
        assert serving.invoke("meta", serving.gateway_event(request))["statusCode"] == 200
        rows = postgres.query(
            url,
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'todo-backend' AND datname = current_database()",
        )
        seen.append([row["pid"] for row in rows])
    serving.close_functions()
    return seen


class TestProcess:
    def test_invocations_share_one_pool_on_one_loop(self, server_url: str) -> None:
        with postgres.database(server_url) as url, ProcessPoolExecutor(1, get_context("spawn")) as process:
            first, *others = process.submit(backends_over_invocations, url).result()

        assert len(first) == 1
        assert others == [first] * 3


def routes(app: FastAPI) -> set[tuple[str, str]]:
    contexts = iter_route_contexts(serving.list_routes(app))
    return {(method, route.path or "") for route in contexts for method in route.methods or ()}


class TestFunctions:
    def test_the_functions_together_have_the_routes_of_the_whole_app(self) -> None:
        of_functions = [routes(serving.app_of(group.name)) for group in GROUPS]

        assert set(chain(*of_functions)) == routes(import_module("functions.main").app)

    def test_no_two_functions_share_a_route(self) -> None:
        of_functions = [routes(serving.app_of(group.name)) for group in GROUPS]

        assert len(set(chain(*of_functions))) == sum(map(len, of_functions))
