"""The table of phrases, and commands in the form in which it tells them."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from todo_assistant.commands.grammar.commands import Command, Find
from todo_assistant.commands.grammar.parser import parse_command
from todo_assistant.phrases.dates import parse_date
from todo_assistant.phrases.recurrences import parse_recurrence

TABLE = Path(__file__).with_name("phrases.toml")
_EMPTY: tuple[object, ...] = (None, False, "", (), [])


@dataclass(frozen=True)
class Phrase:
    """What is said where and when, and the row that it should give."""

    say: str
    now: datetime
    timezone: ZoneInfo
    expected: dict[str, Any]
    known_miss: str | None

    def parsed(self) -> Command:
        return parse_command(self.say, now=self.now, timezone=self.timezone)

    def row(self) -> dict[str, Any]:
        """What the parser makes of it."""
        return self._row(self.parsed())

    @property
    def is_right(self) -> bool:
        return self.row() == self.expected

    def _row(self, command: Command) -> dict[str, Any]:
        name = type(command).__name__.lower()
        told = {field.name: getattr(command, field.name) for field in fields(command)}
        if "name" in told:
            return {name: told["name"]}
        if "todos" in told:
            todos = [self._told(todo) for todo in told["todos"]]
            return _add_row(todos)
        if "target" in told:
            target = self._told(told.pop("target"))
            if "project" in target:
                target["of_project"] = target.pop("project")
            cleared = {key: "none" for key in told.keys() & {"due", "recurrence"} if told[key] is None}
            cleared |= {key: "none" for key in ("project", "parent") if told.get(key) == ""}
            return {name: target.pop("text", "")} | target | self._plain(told) | cleared
        if not told:
            return {name: True}
        subject = told.pop("text") or ""
        if isinstance(command, Find):
            told["completed"] = "any" if command.completed is None else command.completed
        return {name: subject} | self._plain(told)

    def _told(self, part: Any) -> dict[str, Any]:
        return self._plain({field.name: getattr(part, field.name) for field in fields(part)})

    def _plain(self, told: dict[str, Any]) -> dict[str, Any]:
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in told.items()}
        if isinstance(due := plain.get("due"), str):
            plain["due"] = parse_date(due, now=self.now, timezone=self.timezone)[0]
        if isinstance(phrase := plain.get("recurrence"), str):
            start: Any = plain.get("due")
            recurring = parse_recurrence(phrase, now=self.now, timezone=self.timezone, start=start)
            plain["recurrence"] = recurring.rule
            if "title" in plain:
                plain["due"] = recurring.due
        return {key: value for key, value in plain.items() if value not in _EMPTY}


def _add_row(todos: list[dict[str, Any]]) -> dict[str, Any]:
    if len(todos) == 1:
        return {"add": todos[0].pop("title")} | todos[0]
    if all(todo.keys() == {"title"} for todo in todos):
        return {"add": [todo["title"] for todo in todos]}
    return {"add": todos}


def phrases() -> Iterator[Phrase]:
    for scene in tomllib.loads(TABLE.read_text(encoding="utf-8"))["scene"]:
        timezone = ZoneInfo(scene["zone"])
        for row in scene["phrases"]:
            expected = {key: _on_the_wall(value, timezone) for key, value in row.items()}
            yield Phrase(
                say=expected.pop("say"),
                known_miss=expected.pop("known_miss", None),
                now=scene["now"].replace(tzinfo=timezone),
                timezone=timezone,
                expected=expected,
            )


def _on_the_wall(value: Any, timezone: ZoneInfo) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=timezone).astimezone(UTC)
    if isinstance(value, list):
        return [_on_the_wall(item, timezone) for item in value]
    if isinstance(value, dict):
        return {key: _on_the_wall(item, timezone) for key, item in value.items()}
    return value
