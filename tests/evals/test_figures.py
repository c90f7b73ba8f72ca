import json
from pathlib import Path

import pytest

from evals.__main__ import read_bounds, service_settings
from evals.figures import compute_figures, group_figures
from evals.matching import Difference
from evals.report import Report
from evals.runner import Bounds, Exchange, Run
from evals.state import Usage
from evals.tasks import Task
from tests.evals.states import task

WRONG = Difference("unwanted change", "'Buy milk' is gone")
MISSING = Difference("missing change", "'Buy milk': completed is False, not True")


def right(name: str, seconds: float = 1.0) -> Run:
    return Run(name, usage=Usage(10, 5, 2, 1), exchanges=[Exchange("hello", "Hello.", "done", seconds)])


def wrong(name: str, *differences: Difference, error: str = "", unapproved: int = 0) -> Run:
    return Run(name, list(differences), unapproved, error)


def named(name: str, **fields: object) -> Task:
    return task(name=name, **fields)


def test_one_run_of_four_that_is_wrong_fails_the_task_for_good() -> None:
    figures = compute_figures([*[right("a")] * 4, *[right("b")] * 3, wrong("b", MISSING)])

    assert figures.passed_once == pytest.approx(7 / 8)
    assert figures.passed_always == pytest.approx(1 / 2)
    assert figures.repeats == 4


def test_with_more_runs_the_figure_is_that_of_any_four() -> None:
    figures = compute_figures([*[right("a")] * 4, wrong("a", MISSING)])

    assert figures.passed_always == pytest.approx(1 / 5)


def test_with_fewer_runs_the_figure_is_that_of_all_runs() -> None:
    figures = compute_figures([right("a"), wrong("a", MISSING)])

    assert (figures.repeats, figures.passed_always) == (2, 0)


def test_wrong_and_unapproved_effects_tokens_and_calls_are_added_up() -> None:
    figures = compute_figures([right("a"), right("b"), wrong("c", WRONG, WRONG, MISSING), wrong("d", unapproved=3)])

    assert (figures.wrong_effects, figures.unapproved_effects) == (2, 3)
    assert (figures.prompt_tokens, figures.completion_tokens) == (20, 10)
    assert (figures.model_calls, figures.tool_calls) == (4, 2)


def test_a_failed_run_counts_under_its_worst_fault() -> None:
    runs = [
        wrong("a", MISSING, WRONG, error="timeout"),
        wrong("b", MISSING, error="timeout"),
        wrong("c", MISSING),
        wrong("d", WRONG, unapproved=1),
    ]

    assert [run.failure for run in runs] == ["unwanted change", "timeout", "missing change", "unapproved effect"]
    assert compute_figures(runs).failures == {run.failure: 1 for run in runs}


def test_seconds_are_the_median_and_the_95th_percentile_of_turns() -> None:
    figures = compute_figures([right(str(number), seconds=number) for number in range(1, 101)])

    assert (figures.median_seconds, figures.p95_seconds) == (50, 95)


def test_groups_have_figures_of_their_own() -> None:
    tasks = [named("a", lang="de"), named("b", lang="de"), named("c")]
    groups = group_figures(tasks, [right("a"), wrong("b", MISSING), right("c")], lambda each: each.lang)

    assert {language: figures.passed_once for language, figures in groups.items()} == {"de": 0.5, "en": 1.0}


def test_a_report_is_written_as_markdown_and_as_json(tmp_path: Path) -> None:
    tasks = [named("a", adversarial=True), named("b")]
    run = wrong("b", WRONG, error="timeout")
    run.exchanges.append(Exchange("two\nlines", "Done.", "done", 1.0))

    Report(tasks, [right("a"), run], Bounds(runs=2), 3.0).write(tmp_path / "eval")

    text = (tmp_path / "eval/report.md").read_text(encoding="utf-8")
    assert "pass@1              50.0%" in text
    assert "runs not begun      2" in text
    assert "| adversarial | 1 | 100.0% | 100.0% | 0 | 0 | none |" in text
    assert "| other | 1 | 0.0% | 0.0% | 1 | 0 | unwanted change 1 |" in text
    assert "- user: two / lines" in text
    assert "- **unwanted change**: 'Buy milk' is gone" in text
    document = json.loads((tmp_path / "eval/report.json").read_bytes())
    assert document["all"]["wrong_effects"] == 1
    assert document["missing_runs"] == 2
    assert [each["failure"] for each in document["runs"]] == ["", "unwanted change"]


def test_a_report_without_a_run_says_so(tmp_path: Path) -> None:
    report = Report([named("a")], [], Bounds(), 0.0)

    report.write(tmp_path)

    assert report.summarize() == "No run was finished."


def test_bounds_come_from_the_environment() -> None:
    assert read_bounds({}) == Bounds(4, 4, 120, 3600)
    assert read_bounds({"RUNS": "1", "PARALLEL": "2", "SECONDS": "9", "MINUTES": "0.5"}) == Bounds(1, 2, 9, 30)
    with pytest.raises(ValueError, match="RUNS"):
        read_bounds({"RUNS": "0"})


def test_the_service_gets_the_settings_of_the_model_and_no_others() -> None:
    settings = service_settings("postgresql:///eval", {"OPENAI_MODEL": "m", "ASSISTANT_ROUNDS": "3", "PATH": "/bin"})

    assert settings["OPENAI_MODEL"] == "m"
    assert settings["ASSISTANT_ROUNDS"] == "3"
    assert "PATH" not in settings
