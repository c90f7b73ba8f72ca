"""Evaluates the assistant: `python -m evals` runs the tasks, prints the figures and writes a report.

The service runs as a process of its own, on a temporary PostgreSQL. The model is the one of the environment's OPENAI_*
variables, and without OPENAI_API_KEY the built-in commands. Other variables of the environment:

- RUNS: runs of each task, by default 4. PARALLEL: runs at the same time, by default 4.
- TASKS: a pattern such as `moving` or `*milk*` for the name, subject or language. LIMIT: fewer tasks.
- SECONDS: time limit of one run, by default 120. MINUTES: time after which no run begins, by default 60.
- REPORT: the folder of the report, by default `.data/eval`.

Ctrl-C ends the runs and still writes the report. The exit code is 0 if all runs were made, right or wrong.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

import asyncpg
import httpx2
from servers import new_database, postgres, uvicorn

from evals.report import Report
from evals.runner import Bounds, Run, Service, run_tasks
from evals.tasks import Task, load_tasks, select_tasks

_MODEL_VARIABLES: Final = ("OPENAI_", "AZURE_", "ASSISTANT_")
"""Prefixes of the variables that the service gets from the environment."""
_CONNECTIONS: Final = 4
_MAX_TASKS: Final = 10_000


def service_settings(database_url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings of the measured service: no rate limits, and cheap password hashes."""
    without_limit = str(10**6)
    return {
        **{name: value for name, value in environment.items() if name.startswith(_MODEL_VARIABLES)},
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_urlsafe(32),
        "BCRYPT_ROUNDS": "4",
        "FAILED_LOGINS_PER_ADDRESS": without_limit,
        "LOGINS_PER_ACCOUNT": without_limit,
        "LOGINS_PER_ADDRESS": without_limit,
        "REGISTRATIONS_PER_ADDRESS": without_limit,
        "REQUESTS_PER_MINUTE": without_limit,
    }


def read_bounds(environment: Mapping[str, str]) -> Bounds:
    """Reads the bounds of the evaluation. Raises ValueError for a text that is no positive number."""
    default = Bounds()
    bounds = Bounds(
        runs=int(environment.get("RUNS") or default.runs),
        parallel=int(environment.get("PARALLEL") or default.parallel),
        run_seconds=float(environment.get("SECONDS") or default.run_seconds),
        total_seconds=60 * float(environment.get("MINUTES") or default.total_seconds / 60),
    )
    if min(bounds.runs, bounds.parallel, bounds.run_seconds, bounds.total_seconds) <= 0:
        raise ValueError("RUNS, PARALLEL, SECONDS and MINUTES must be above 0.")
    return bounds


async def evaluate(
    url: str, database_url: str, tasks: Sequence[Task], bounds: Bounds, on_run: Callable[[Run], None]
) -> None:
    """Runs the tasks against the service at the URL."""

    def new_client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=url, timeout=bounds.run_seconds)

    async with asyncpg.create_pool(database_url, min_size=1, max_size=_CONNECTIONS) as database:
        await run_tasks(Service(new_client, database), tasks, bounds, on_run)


def main(environment: Mapping[str, str]) -> int:
    bounds = read_bounds(environment)
    limit = int(environment.get("LIMIT") or _MAX_TASKS)
    tasks = select_tasks(load_tasks(), environment.get("TASKS") or "*", limit)
    runs: list[Run] = []

    def on_run(run: Run) -> None:
        runs.append(run)
        print(end=".F"[not run.is_right], flush=True)

    started = monotonic()
    with postgres() as server_url:
        database_url = new_database(server_url, "eval")
        # Ctrl-C ends the runs, and the report has those that were finished.
        with (
            uvicorn("functions.main:app", service_settings(database_url, environment)) as server,
            suppress(KeyboardInterrupt),
        ):
            asyncio.run(evaluate(server.url, database_url, tasks, bounds, on_run))
    report = Report(tasks, runs, bounds, monotonic() - started)
    folder = Path(environment.get("REPORT") or ".data/eval")
    report.write(folder)
    print(f"\n\n{report.summarize()}\n\nSee {folder / 'report.md'} and {folder / 'report.json'}.")
    return 1 if report.missing_runs else 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
