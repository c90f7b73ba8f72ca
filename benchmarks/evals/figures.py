"""Computes the figures of a report from the results of runs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, comb
from statistics import fmean

from evals.runner import Run
from evals.tasks import Task

MAX_REPEATS = 4
"""Runs of one task of which all must be right for pass^4."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a group of tasks. `passed_once` is pass@1, and `passed_always` is pass^4, both from 0 to 1.

    `repeats` is 4, or the number of runs of each task if that is lower. Seconds are those of one turn.
    """

    tasks: int
    runs: int
    repeats: int
    passed_once: float
    passed_always: float
    wrong_effects: int
    unapproved_effects: int
    failures: Mapping[str, int]
    prompt_tokens: int
    completion_tokens: int
    model_calls: int
    tool_calls: int
    median_seconds: float
    p95_seconds: float


def compute_figures(runs: Sequence[Run]) -> Figures:
    """Returns the figures of at least one run."""
    by_task: dict[str, list[Run]] = {}
    for run in runs:
        by_task.setdefault(run.task, []).append(run)
    repeats = min(MAX_REPEATS, *map(len, by_task.values()))
    seconds = sorted(exchange.seconds for run in runs for exchange in run.exchanges) or [0.0]
    return Figures(
        tasks=len(by_task),
        runs=len(runs),
        repeats=repeats,
        passed_once=fmean(fmean(run.is_right for run in each) for each in by_task.values()),
        passed_always=fmean(_chance_that_all_pass(each, repeats) for each in by_task.values()),
        wrong_effects=sum(run.wrong_effects for run in runs),
        unapproved_effects=sum(run.unapproved for run in runs),
        failures=dict(Counter(run.failure for run in runs if run.failure).most_common()),
        prompt_tokens=sum(run.usage.prompt_tokens for run in runs),
        completion_tokens=sum(run.usage.completion_tokens for run in runs),
        model_calls=sum(run.usage.model_calls for run in runs),
        tool_calls=sum(run.usage.tool_calls for run in runs),
        median_seconds=_percentile(seconds, 50),
        p95_seconds=_percentile(seconds, 95),
    )


def group_figures(tasks: Sequence[Task], runs: Sequence[Run], key: Callable[[Task], str]) -> dict[str, Figures]:
    """Returns the figures of each group of tasks, by the key of the group. Leaves out groups without runs."""
    keys = {task.name: key(task) for task in tasks}
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(keys[run.task], []).append(run)
    return {name: compute_figures(groups[name]) for name in sorted(groups)}


def _chance_that_all_pass(runs: Sequence[Run], repeats: int) -> float:
    """Returns the chance that as many runs as `repeats`, chosen from all runs of a task, are all right."""
    return comb(sum(run.is_right for run in runs), repeats) / comb(len(runs), repeats)


def _percentile(ascending: Sequence[float], percent: int) -> float:
    return ascending[ceil(len(ascending) * percent / 100) - 1]
