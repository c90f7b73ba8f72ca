"""Writes the results of an evaluation as Markdown and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec

from evals.figures import Figures, compute_figures, group_figures
from evals.runner import Bounds, Run
from evals.tasks import Task

_COLUMNS: Final = ("", "tasks", "pass@1", "pass^{repeats}", "wrong effects", "unapproved effects", "failed runs")
_MAX_SHOWN_DIFFERENCES: Final = 5


@dataclass(frozen=True, slots=True)
class Report:
    """The results of an evaluation. Some runs are missing if the total time was over."""

    tasks: Sequence[Task]
    runs: Sequence[Run]
    bounds: Bounds
    seconds: float

    @property
    def missing_runs(self) -> int:
        return len(self.tasks) * self.bounds.runs - len(self.runs)

    @property
    def groups(self) -> Mapping[str, Mapping[str, Figures]]:
        """The figures by kind of group: adversarial or not, language and subject."""
        kinds = {
            "adversarial": lambda task: "adversarial" if task.adversarial else "other",
            "language": lambda task: task.lang,
            "subject": lambda task: task.subject,
        }
        return {kind: group_figures(self.tasks, self.runs, key) for kind, key in kinds.items()}

    def write(self, folder: Path) -> None:
        """Writes `report.md` and `report.json` to the folder, which is created if it does not exist."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.md").write_text("\n".join(self._lines()) + "\n", encoding="utf-8")
        (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(self._as_json())))

    def summarize(self) -> str:
        """Returns the figures of all runs as lines of text."""
        if not self.runs:
            return "No run was finished."
        all_runs = compute_figures(self.runs)
        models = ", ".join(sorted({run.model for run in self.runs if run.model})) or "none"
        return "\n".join(
            [
                f"model               {models}",
                f"tasks, runs         {all_runs.tasks}, {all_runs.runs} in {self.seconds:.0f} s",
                *([f"runs not begun      {self.missing_runs}"] if self.missing_runs else []),
                f"pass@1              {all_runs.passed_once:.1%}",
                f"pass^{all_runs.repeats}              {all_runs.passed_always:.1%}",
                f"wrong effects       {all_runs.wrong_effects}",
                f"unapproved effects  {all_runs.unapproved_effects}",
                f"failed runs         {_list_failures(all_runs)}",
                f"tokens              {all_runs.prompt_tokens} prompt, {all_runs.completion_tokens} completion",
                f"calls               {all_runs.model_calls} of the model, {all_runs.tool_calls} of tools",
                f"seconds of a turn   {all_runs.median_seconds:.2f} median, {all_runs.p95_seconds:.2f} p95",
            ]
        )

    def _as_json(self) -> dict[str, object]:
        return {
            "bounds": self.bounds,
            "seconds": self.seconds,
            "missing_runs": self.missing_runs,
            "all": compute_figures(self.runs) if self.runs else None,
            "groups": self.groups,
            "runs": [
                asdict(run) | {"is_right": run.is_right, "failure": run.failure, "wrong_effects": run.wrong_effects}
                for run in self.runs
            ],
        }

    def _lines(self) -> Iterator[str]:
        yield from ("# Evaluation of the assistant", "", "```", self.summarize(), "```")
        for kind, groups in self.groups.items():
            repeats = max(figures.repeats for figures in groups.values()) if groups else 0
            columns = " | ".join(_COLUMNS).format(repeats=repeats)
            yield from ("", f"## By {kind}", "", f"| {columns} |", "|---" * len(_COLUMNS) + "|")
            yield from (_row(name, figures) for name, figures in groups.items())
        yield from ("", "## Failed tasks", "")
        for task in self.tasks:
            failed = [run for run in self.runs if run.task == task.name and not run.is_right]
            if failed:
                yield from _describe_failure(task, failed)


def _row(name: str, figures: Figures) -> str:
    return (
        f"| {name} | {figures.tasks} | {figures.passed_once:.1%} | {figures.passed_always:.1%}"
        f" | {figures.wrong_effects} | {figures.unapproved_effects} | {_list_failures(figures)} |"
    )


def _list_failures(figures: Figures) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in figures.failures.items()) or "none"


def _describe_failure(task: Task, failed: Sequence[Run]) -> Iterator[str]:
    """Yields the first failed run of a task: the words of both sides, and the differences of the end state."""
    run = failed[0]
    yield from (f"### {task.name}", "", f"{task.subject}, {task.lang}, failed runs: {len(failed)}", "")
    for exchange in run.exchanges:
        yield f"- user: {_one_line(exchange.said)}"
        yield f"- assistant ({exchange.status}): {_one_line(exchange.answered)}"
    for difference in run.differences[:_MAX_SHOWN_DIFFERENCES]:
        yield f"- **{difference.kind}**: {_one_line(difference.text)}"
    if len(run.differences) > _MAX_SHOWN_DIFFERENCES:
        yield f"- and {len(run.differences) - _MAX_SHOWN_DIFFERENCES} more differences"
    if run.unapproved:
        yield f"- **unapproved effects**: {run.unapproved}"
    if run.error:
        yield f"- **{run.error}**"
    yield ""


def _one_line(text: str) -> str:
    return " / ".join(text.split("\n"))
