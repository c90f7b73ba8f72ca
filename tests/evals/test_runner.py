"""Tests of runs against the service in this process, with the built-in commands and with a scripted model."""

import asyncio
import re
from collections.abc import Iterator, Sequence

import asyncpg
import httpx2
import pytest

from evals.runner import Bounds, Run, Service, run_tasks
from evals.tasks import Task, load_tasks
from functions.chat.routes import close_assistant
from functions.groups import load_routers
from tests.evals.states import task
from tests.model_replies import Call, Fail, Hang, ReceivedRequest, Reply, Say
from tests.scripted_model import ScriptedModel
from tests.serving import new_address
from tests.surfaces.adversarial.adversary import call_on
from todo_core.settings import Settings, nest_variables
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

BOUNDS = Bounds(runs=1, parallel=2, run_seconds=20, total_seconds=60)


def run(environment: dict[str, str], tasks: Sequence[Task], bounds: Bounds = BOUNDS, **settings: object) -> list[Run]:
    """Runs tasks against the app in this process. Returns the results in the order of the tasks."""

    async def run_all() -> list[Run]:
        variables = environment | settings
        app = create_app(*load_routers("auth", "todos", "chat"), settings=Settings(**nest_variables(variables)))

        def new_client() -> httpx2.AsyncClient:
            transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=(new_address(), 40000))
            return httpx2.AsyncClient(transport=transport, base_url="http://testserver")

        try:
            async with asyncpg.create_pool(environment["DATABASE_URL"], min_size=1, max_size=2) as database:
                return await run_tasks(Service(new_client, database), tasks, bounds)
        finally:
            await close_assistant(app)
            await get_resources(app).database.close()

    names = [each.name for each in tasks]
    return sorted(asyncio.run(run_all()), key=lambda each: names.index(each.task))


def _found_ids(request: ReceivedRequest) -> list[str]:
    """Returns the ids in the last tool result of a prompt."""
    return re.findall(r"[0-9a-f-]{36}", request.messages[-1]["content"])


class TestWithTheCommands:
    def test_three_tasks_of_the_project_pass(self, environment: dict[str, str]) -> None:
        names = (
            "a deletion with the approval",
            "seven todos to a project, with the approval",
            "a title alone is a new todo",
        )
        tasks = [each for each in load_tasks() if each.name in names]

        runs = run(environment, tasks, OPENAI_API_KEY=None)

        assert [(each.task, each.failure) for each in runs] == [(each.name, "") for each in tasks]
        assert {each.model for each in runs} == {"commands"}
        assert all(each.usage.model_calls and each.exchanges for each in runs)

    def test_the_start_state_has_all_fields_and_several_batches(self, environment: dict[str, str]) -> None:
        start = task(
            {"title": "Bake cake", "due": "+1d 09:00", "recurrence": "FREQ=DAILY", "reminder": "+1d 08:00"},
            {"title": "Chore {n}", "count": 101, "tags": ["home"], "priority": "low", "project": "House"},
            {"title": "Buy flour", "parent": "Bake cake", "description": "White", "completed": True},
            {"title": "Old", "due": "-3d", "trashed": True},
            projects=["House"],
            turns=["list"],
        )

        (result,) = run(environment, [start], OPENAI_API_KEY=None)

        assert result.failure == ""

    def test_an_approval_is_answered_only_if_it_was_asked(self, environment: dict[str, str]) -> None:
        (result,) = run(environment, [task(turns=["list", True])], OPENAI_API_KEY=None)

        assert [exchange.said for exchange in result.exchanges] == ["list"]

    def test_a_wrong_effect_is_counted(self, environment: dict[str, str]) -> None:
        (result,) = run(environment, [task("Buy milk", turns=["done buy milk"])], OPENAI_API_KEY=None)

        assert (result.failure, result.wrong_effects, result.unapproved) == ("unwanted change", 1, 0)

    def test_each_task_is_run_several_times_with_new_accounts(self, environment: dict[str, str]) -> None:
        runs = run(environment, [task(turns=["buy milk"], added=["buy milk"])], Bounds(runs=3), OPENAI_API_KEY=None)

        assert [each.failure for each in runs] == ["", "", ""]

    def test_no_run_begins_after_the_total_time(self, environment: dict[str, str]) -> None:
        assert run(environment, [task()], Bounds(total_seconds=0), OPENAI_API_KEY=None) == []


class TestWithALanguageModel:
    @pytest.fixture(autouse=True)
    def _model(self, scripted: ScriptedModel) -> None:
        self.model = scripted

    def play(self, *replies: Reply) -> None:
        self.model.play(*replies)

    def test_tokens_and_calls_are_counted(self, environment: dict[str, str]) -> None:
        self.play(Call("add_todos", {"todos": [{"title": "Buy milk"}]}), Say("Added."))

        (result,) = run(environment, [task(turns=["I need milk"], added=["Buy milk"])])

        assert result.failure == ""
        assert result.model == "scripted"
        usage = result.usage
        assert (usage.prompt_tokens, usage.completion_tokens, usage.model_calls, usage.tool_calls) == (22, 14, 2, 1)

    def test_an_approval_by_a_word_holds_if_the_assistant_asks_only_then(self, environment: dict[str, str]) -> None:
        asked = task("Buy milk", turns=["delete milk", {"yes": "yes"}], changed={"Buy milk": {"trashed": True}})
        replies: Iterator[Reply | str] = iter(
            [Say("Shall I delete it?"), Call("search_todos"), "delete", Say("Deleted.")]
        )

        def answer(request: ReceivedRequest) -> Reply:
            reply = next(replies)
            return call_on("delete_todos", _found_ids(request)) if isinstance(reply, str) else reply

        self.model.answer_with(answer)

        (result,) = run(environment, [asked])

        assert (result.failure, result.unapproved) == ("", 0)

    def test_a_model_that_fails_is_a_failed_run_and_the_next_run_goes_on(self, environment: dict[str, str]) -> None:
        self.play(Fail(401), Say("Hello."))
        tasks = [task(name="first"), task(name="second")]

        runs = run(environment, tasks, Bounds(runs=1, parallel=1))

        assert [each.failure for each in runs] == ["HTTP 503 assistant_not_configured", ""]
        assert [(each.said, each.status) for each in runs[0].exchanges] == [("hello", "failed")]

    def test_a_model_that_hangs_is_a_timeout(self, environment: dict[str, str]) -> None:
        self.play(Hang())

        (result,) = run(environment, [task()], Bounds(runs=1, run_seconds=0.5))

        assert result.failure == "timeout"
