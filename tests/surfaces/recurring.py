"""Requests of tests for recurring todos."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests import postgres
from tests.accounts import TODOS, Account

CHANGES = f"{TODOS}/changes"
DAILY = "FREQ=DAILY"

type Json = dict[str, Any]


def complete(account: Account, todo: Json, **changes: object) -> Json:
    """Completes a todo and returns the todo of the response, without `completion`."""
    response = account.client.patch(todo["url"], json={"completed": True, **changes})
    assert response.status_code == 200, response.text
    after: Json = response.json()
    del after["completion"]
    return after


def patch(account: Account, todo: Json, **changes: object) -> Json:
    response = account.client.patch(todo["url"], json=changes)
    assert response.status_code == 200, response.text
    after: Json = response.json()
    return after


def skip(account: Account, todo: Json) -> Json:
    response = account.client.post(f"{todo['url']}/skip")
    assert response.status_code == 200, response.text
    after: Json = response.json()
    return after


def today(days: int = 0) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def last_change(account: Account) -> Json:
    change: Json = account.client.get(CHANGES).json()[-1]
    return change


def only(todo: Json, *names: str) -> Json:
    return {name: todo[name] for name in names}


def live_in(account: Account, timezone: str, database_url: str) -> None:
    postgres.query(database_url, "UPDATE users SET timezone = $1 WHERE id = $2", timezone, account.user["id"])
