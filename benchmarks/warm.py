"""Compares warm invocations of a list of 20 todos on Lambda with those of a bare function (`bare_list.py`).

Both run in Lambda's emulator on one database, and are invoked in turn. An invocation is measured from the event until
the response. Exits with 1 if ours takes more than MAX_RATIO times as long, by the median of the rounds.
"""

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx2
from hostile import Account, add_todos, sign_up
from servers import new_database, postgres, service
from spread import Spread, ratios

from functions.migrate.app import upgrade
from tests.deploy import artifacts
from tests.deploy.artifacts import ARCHITECTURE, Artifact
from tests.emulator import Emulator, emulator
from tests.serving import gateway_event
from todo_core.settings import Settings

ROUNDS: Final = 15
MAX_RATIO: Final = 1.5
_BLOCKS: Final = 20
_INVOCATIONS_PER_BLOCK: Final = 5
_STORED_TODOS: Final = 25
"""The account has more than a page, so that ours also writes the link to the next one."""
_PATH: Final = "https://api.example.com/api/v1/todos?limit=20"


def main() -> None:
    with postgres() as url, _functions(url) as (ours, bare, account):
        event: dict[str, Any] = gateway_event(httpx2.Request("GET", _PATH, headers=account.headers))
        milliseconds: dict[str, list[float]] = {"ours": [], "bare": []}
        for number in range(-1, ROUNDS):
            measured = _measure_round(event, {"ours": ours, "bare": bare})
            if number >= 0:  # the first round warms up
                for name, values in measured.items():
                    milliseconds[name].append(median(values))
    for name, values in milliseconds.items():
        print(f"{name:6}{Spread.of(values).text(2):>22} ms")
    ratio = ratios(milliseconds["ours"], milliseconds["bare"])
    print(f"\nA warm list of 20 takes {ratio.text(2)} times a bare one (at most {MAX_RATIO})")
    sys.exit(ratio.median > MAX_RATIO)


@contextmanager
def _functions(postgres_url: str) -> Iterator[tuple[Emulator, Emulator, Account]]:
    """Runs both functions. Yields them with an account that has todos."""
    url, key = new_database(postgres_url, "warm"), secrets.token_urlsafe(32)
    upgrade(Settings(database={"url": url, "url_unpooled": url}))
    settings = {"DATABASE_URL": url, "SECRET_KEY": key, "REQUESTS_PER_MINUTE": str(10**6)}
    with service(settings) as server:
        account = sign_up(server)
    add_todos(url, account, _STORED_TODOS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        build, runtime = artifacts.build(ARCHITECTURE, folder), artifacts.runtime(folder)
        todos = build.functions["TodosFunction"]
        bare = Artifact("bare_list.handler", Path(__file__).parent / "bare_function", todos.layers)
        ours = stack.enter_context(emulator(todos, runtime, settings))
        plain = stack.enter_context(emulator(bare, runtime, settings | {"OWNER": str(account.user_id)}))
        yield ours, plain, account


def _measure_round(event: dict[str, Any], functions: dict[str, Emulator]) -> dict[str, list[float]]:
    """Invokes the functions by turns. Returns the milliseconds of each invocation."""
    milliseconds: dict[str, list[float]] = {name: [] for name in functions}
    for block in range(_BLOCKS):
        for name in functions if block % 2 else reversed(functions):
            for _ in range(_INVOCATIONS_PER_BLOCK):
                started = time.perf_counter()
                response = functions[name].invoke(event)
                milliseconds[name].append((time.perf_counter() - started) * 1000)
                if not isinstance(response, dict) or response.get("statusCode") != 200:  # noqa: PLR2004 - HTTP OK
                    raise RuntimeError(f"{name} answers {response}")
    return milliseconds


if __name__ == "__main__":
    main()
