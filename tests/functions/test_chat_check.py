"""`python -m functions.chat check` reports what the configured language model can do, and what to set if it fails."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.chat.check import FAILS, WORKS, WRONG_SETTINGS, Report, check
from tests.model_replies import Call, Empty, Fail, Hang, ReceivedRequest, Reply, Say, ToolCalls
from tests.python_processes import run_python
from tests.scripted_model import ScriptedModel, scripted_model
from todo_core.settings import Settings, nest_variables

CALLS = ToolCalls(Call("search_todos"), Call("list_projects"))
ANSWER = Say("You have no todos and no projects.", size=5)
SCRIPT = (CALLS, ANSWER)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with scripted_model() as model:
        yield model


def variables_of(model: ScriptedModel, **others: str) -> dict[str, str]:
    return {"OPENAI_API_KEY": model.key, "OPENAI_BASE_URL": model.url, "OPENAI_MODEL": "scripted", **others}


def run_check(model: ScriptedModel, **others: str) -> Report:
    settings = Settings(**nest_variables(variables_of(model, **others)))
    return asyncio.run(check(settings))


class TestWorkingModels:
    def test_all_abilities_are_reported(self, model: ScriptedModel) -> None:
        model.play(*SCRIPT * 2)
        report = run_check(model)
        assert report.status == WORKS
        assert [line for line in report.lines if not line.startswith("Time")] == [
            f"Model     scripted at {model.url}, Chat Completions",
            "Tools     yes, it called search_todos, list_projects",
            "Parallel  yes",
            "Usage     yes",
            "Replay    accepted, without data that the provider must get back",
            "Stream    yes",
            "Changes   none: the provider accepts all fields",
        ]
        assert model.unexpected == []

    def test_missing_abilities_are_reported(self, model: ScriptedModel) -> None:
        def answer(request: ReceivedRequest) -> Reply:
            if request.streamed:
                return Empty()
            return Say("None.", tokens=None) if request.messages[-1]["role"] == "tool" else one_call

        one_call = ToolCalls(Call("search_todos"), tokens=None)
        model.answer_with(answer)
        report = run_check(model)
        assert report.status == WORKS
        assert {"Parallel  not seen: one call in an answer", "Usage     no, so tokens are estimated"} <= {*report.lines}
        assert "Stream    no, so answers come whole" in report.lines

    def test_refused_fields_are_reported(self, model: ScriptedModel) -> None:
        refusal = Fail(400, message="Unknown name \"strict\" at 'tools[0].function': Cannot find field.")
        model.play(refusal, *SCRIPT * 2)
        assert "Changes   leave out strict" in run_check(model).lines

    def test_the_command_exits_with_0(self, model: ScriptedModel, tmp_path: Path) -> None:
        model.play(*SCRIPT * 2)
        ended = run_python("-m", "functions.chat", "check", folder=tmp_path, **variables_of(model))
        assert ended.stdout.splitlines()[-1] == "The assistant can use this model."
        assert ended.stderr == ""


class TestFailingModels:
    @pytest.mark.parametrize(
        ("failure", "status", "advice"),
        [
            (Fail(401, "invalid_api_key", "Incorrect API key."), WRONG_SETTINGS, "OPENAI_API_KEY"),
            (Fail(429, "insufficient_quota", "You exceeded your current quota."), WRONG_SETTINGS, "no credit"),
            (Fail(404, "model_not_found", "The model does not exist."), WRONG_SETTINGS, "OPENAI_MODEL"),
            (Fail(404, message="Not Found"), WRONG_SETTINGS, "OPENAI_BASE_URL"),
            (Fail(400, message="scripted does not support tools"), WRONG_SETTINGS, "tools"),
            (Fail(400, message="No."), FAILS, "OPENAI_EXTRA_BODY"),
            (Say("I cannot look that up."), FAILS, "OPENAI_MODEL that calls tools"),
            (Call("search"), FAILS, "no such tool"),
        ],
        ids=str,
    )
    def test_the_cause_and_the_setting_are_named(
        self, model: ScriptedModel, failure: Reply, status: int, advice: str
    ) -> None:
        model.play(failure)
        report = run_check(model)
        assert report.status == status
        assert advice in report.lines[-1]

    def test_the_providers_sentence_is_shown(self, model: ScriptedModel) -> None:
        model.play(Fail(400, message="The parameter colour is wrong."))
        assert "Failed    HTTP 400: The parameter colour is wrong." in run_check(model).lines

    def test_a_model_slower_than_a_turn_is_reported(self, model: ScriptedModel) -> None:
        model.play(Hang())
        report = run_check(model, ASSISTANT_SECONDS="1")
        assert report.status == FAILS
        assert report.lines[-2:] == [
            "Time      no answer within 1 seconds",
            "Raise ASSISTANT_SECONDS, or choose a faster model.",
        ]

    def test_a_missing_key_is_reported(self) -> None:
        report = asyncio.run(check(Settings(**nest_variables({"OPENAI_API_KEY": None}))))
        assert (report.status, len(report.lines)) == (WRONG_SETTINGS, 1)
