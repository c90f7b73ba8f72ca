"""The alerts and the dashboard for Prometheus, on the metrics of a real service under load."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

import httpx2
import pytest
import yaml

from functions import groups
from tests import postgres, serving
from tests.accounts import AUTH, CHAT, PROJECTS, TODOS, UNKNOWN_TODO, Account, sign_in, sign_up
from tests.deploy import prometheus, template
from tests.deploy.prometheus import ALERTS, MONITORING
from tests.model_replies import Call, Fail, Say
from tests.room import ROOM_SECONDS
from tests.scripted_model import ScriptedModel
from tests.serving import OnPort
from todo_core.errors import ServiceError

RUNBOOKS: Final = (template.ROOT / "docs/operations.md").read_text()
UNIT_TESTS: Final = Path(__file__).with_name("alerts_test.yaml")
FAILED_LOGINS_PER_ACCOUNT: Final = 5
LOAD_SECONDS: Final = 90
"""The longest time until every query has data. On an idle machine, it takes some seconds."""
LOCK_USERS: Final = "BEGIN; LOCK TABLE users; SELECT pg_sleep(1); COMMIT"
LOCKED_USERS: Final = "SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'users'::regclass"
BROKEN_PROJECTS: Final = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
CREATE TRIGGER broken BEFORE INSERT ON projects FOR EACH ROW EXECUTE FUNCTION fail()
"""


def list_alerts() -> list[dict[str, Any]]:
    """Returns the rules of all alerts, each with the name of its group."""
    groups_of_rules = yaml.safe_load(ALERTS.read_text())["groups"]
    return [{**rule, "group": group["name"]} for group in groups_of_rules for rule in group["rules"]]


def list_panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    return panels


def list_queries() -> dict[str, str]:
    """Returns the expressions that need data, by their place: of the dashboard, and of alerts without the threshold.

    Leaves out `absent`, which has no data while the service runs, and the metrics of other exporters.
    """
    of_panels = {
        f"panel {panel['title']}, {target['legendFormat']}": target["expr"]
        .replace("$job", ".*")
        .replace("$__rate_interval", "1m")
        for panel in list_panels()
        for target in panel["targets"]
    }
    of_alerts = {
        f"alert {alert['alert']}": re.sub(r" [<>] [\d.e]+$", "", alert["expr"])
        for alert in list_alerts()
        if alert["group"] != "todo-jobs" and not alert["expr"].startswith("absent(")
    }
    return of_panels | of_alerts


class TestRules:
    @prometheus.installed
    def test_promtool_accepts_them(self) -> None:
        checked = prometheus.promtool("check", "rules", ALERTS)

        assert checked.returncode == 0, checked.stderr
        assert f"SUCCESS: {len(list_alerts())} rules found" in checked.stdout

    @prometheus.installed
    def test_they_fire_and_stay_silent_as_their_unit_tests_say(self) -> None:
        tested = prometheus.promtool("test", "rules", UNIT_TESTS)

        assert tested.returncode == 0, tested.stdout

    def test_each_fires_in_a_unit_test(self) -> None:
        cases = [case for test in yaml.safe_load(UNIT_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]

        assert {case["alertname"] for case in cases if case["exp_alerts"]} == {rule["alert"] for rule in list_alerts()}

    def test_their_codes_are_codes_of_errors(self) -> None:
        groups.load_routers()
        known = set(list_codes(ServiceError))
        named = re.findall(r'code=~?"([a-z_|]+)"', ALERTS.read_text())

        assert {code for codes in named for code in codes.split("|")} <= known

    def test_each_has_a_severity_a_summary_and_a_runbook(self) -> None:
        for rule in list_alerts():
            assert rule["labels"]["severity"] in {"critical", "warning"}
            assert rule["annotations"]["summary"].endswith(".")
            assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
            assert f"\n### {rule['alert']}\n" in RUNBOOKS

    def test_each_section_of_the_runbooks_has_its_alert(self) -> None:
        sections = set(re.findall(r"(?m)^### (Todo\w+)$", RUNBOOKS))

        assert sections == {rule["alert"] for rule in list_alerts()}


def test_each_alarm_of_cloudwatch_names_its_runbook() -> None:
    alarms = template.resources("AWS::CloudWatch::Alarm").values()
    named = {alarm["AlarmDescription"].partition("Runbook: docs/operations.md#")[2] for alarm in alarms}

    assert named | {"aws-budget"} == set(re.findall(r"(?m)^### (aws-[a-z-]+)$", RUNBOOKS))


def list_codes(kind: type[ServiceError]) -> Iterator[str]:
    for error in kind.__subclasses__():
        if hasattr(error, "code"):
            yield error.code
        yield from list_codes(error)


class TestDashboard:
    def test_each_panel_has_its_own_place_and_number(self) -> None:
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in list_panels()}

        assert len({panel["id"] for panel in list_panels()}) == len(places) == len(list_panels())
        assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in list_panels())


@dataclass(frozen=True)
class Load:
    """Requests of all kinds to a service, the failing ones included. `server` is the URL of the database server."""

    service: OnPort
    account: Account
    model: ScriptedModel
    server: str
    database: str

    def run(self) -> None:
        """Sends each kind of request some times."""
        for _ in range(5):
            self.account.add()
            self.account.titles()
        sign_in(self.account.client, self.account.email)
        self.account.client.get(UNKNOWN_TODO)
        self._chat()
        expect(500, self.account.client.post(PROJECTS, json={"name": "Home"}))
        self._exceed_a_rate_limit()
        self._overload()
        self._refuse_connections()

    def _chat(self) -> None:
        self.model.play(Call("add_todos", {"todos": [{"title": "Buy milk"}]}), Say("Done."))
        expect(200, self.account.client.post(CHAT, json={"message": "Buy milk"}))
        self.model.play(Fail(401))
        expect(503, self.account.client.post(CHAT, json={"message": "Buy milk"}))

    def _exceed_a_rate_limit(self) -> None:
        with self.service.client() as stranger:
            for _ in range(FAILED_LOGINS_PER_ACCOUNT):
                sign_in(stranger, self.account.email, "a wrong password")
            expect(429, sign_in(stranger, self.account.email, "a wrong password"))

    def _overload(self) -> None:
        """Sends requests of several clients at once, more than the process accepts."""

        def read_user(_: int) -> int:
            with self.service.client() as client:
                return client.get(f"{AUTH}/me", headers=self.account.bearer).status_code

        with ThreadPoolExecutor(8) as threads:
            lock = threads.submit(postgres.run, self.database, LOCK_USERS)
            serving.wait_until(lambda: bool(postgres.query(self.database, LOCKED_USERS)))
            assert 503 in set(threads.map(read_user, range(4)))
            lock.result()

    def _refuse_connections(self) -> None:
        """Lets the database refuse connections, and asks the service for data and whether it is ready."""
        name = postgres.name_of(self.database)
        postgres.run(self.server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            postgres.run(self.database, postgres.KILL_ALL)
            expect(503, self.account.client.get(TODOS))
            expect(503, self.account.client.get("/health/ready"))
        finally:
            postgres.run(self.server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        expect(200, self.account.client.get("/health/ready"))


def expect(status: int, response: httpx2.Response) -> None:
    assert response.status_code == status, response.text


@pytest.fixture(scope="module")
def load(
    environment: dict[str, str], scripted: ScriptedModel, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Load, int]]:
    """Load on a service with low limits, and the port of its metrics. Each new project is an unexpected error."""
    port = serving.free_port()
    with postgres.database(server_url) as url:
        postgres.run(url, BROKEN_PROJECTS)
        settings = environment | {
            "DATABASE_URL": url,
            "METRICS_PORT": str(port),
            "FAILED_LOGINS_PER_ACCOUNT": str(FAILED_LOGINS_PER_ACCOUNT),
            "REQUESTS_AT_ONCE": "1",
            "LOGINS_PER_ACCOUNT": "1000",
            "ASSISTANT_SECONDS": "60",
        }
        folder = str(tmp_path_factory.mktemp("service"))
        with serving.on_port(settings, folder=folder) as service, service.client() as client:
            yield Load(service, sign_up(client), scripted, server_url, url), port


@prometheus.installed
class TestRunningService:
    def test_each_query_has_data_under_load(self, load: tuple[Load, int], tmp_path: Path) -> None:
        """A rate needs two values. So the load runs until all queries have data."""
        requests, port = load
        queries = list_queries()
        with prometheus.scraping(port, tmp_path) as scraped:
            deadline = monotonic() + LOAD_SECONDS
            while without_data := {place: query for place, query in queries.items() if not scraped.query(query)}:
                assert monotonic() < deadline, f"These queries have no data: {without_data}"
                requests.run()

            assert {rule["name"]: rule["health"] for rule in scraped.list_rules().values()} == dict.fromkeys(
                (rule["alert"] for rule in list_alerts()), "ok"
            )
            assert scraped.list_rules()["TodoDown"]["state"] == "inactive"
            assert scraped.list_rules()["TodoInternalErrors"]["state"] == "firing"

    def test_the_documentation_lists_all_metrics(self, load: tuple[Load, int]) -> None:
        _, port = load
        page = (template.ROOT / "docs/deploy-container.md").read_text()
        served = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=ROOM_SECONDS).text
        names = set(re.findall(r"(?m)^(todo_\w+?)(?:_bucket|_sum|_count)?[ {]", served))

        assert names
        assert names == set(re.findall(r"`(todo_\w+)`", page))
