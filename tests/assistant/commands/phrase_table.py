"""Loads the phrases of the TOML files, and converts parsed commands to the form of the expected rows there."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from todo_assistant.commands.grammar.commands import Command, Either, Find, Incomplete, Unsure
from todo_assistant.commands.grammar.parser import parse_command
from todo_assistant.phrases.dates import parse_date
from todo_assistant.phrases.recurrences import parse_recurrence

FILES = [
    Path(__file__).with_name(f"phrases_{name}.toml")
    for name in (
        "basics",
        "changes",
        "recurrences_and_projects",
        "dates",
        "dates_in_words",
        "targets",
        "moves_and_edits",
        "questions",
    )
]
_DEFAULTS: tuple[object, ...] = (None, False, "", (), [])
"""Values of command fields that a row omits, because they are defaults."""
_STEP = re.compile(r".* (?:later|earlier)")
_SPAN = re.compile(
    r"(?:this|last|until|after|before) .*|next (?:week|month|year|weekend|\d+ .*|.* (?:days|weeks|months))"
)


@dataclass(frozen=True)
class Phrase:
    """A text typed at an instant in a time zone, and the row of the command that it should mean."""

    say: str
    now: datetime
    timezone: ZoneInfo
    expected: dict[str, Any]
    known_miss: str | None

    def parsed_row(self) -> dict[str, Any]:
        """Parses the text and returns the resulting command as a row, to be compared with `expected`."""
        return self._command_row(parse_command(self.say, now=self.now, timezone=self.timezone))

    @property
    def is_right(self) -> bool:
        return self.parsed_row() == self.expected

    def _command_row(self, command: Command) -> dict[str, Any]:
        """Returns the command as a row, whose first key is the name of the command's class in lower case."""
        if isinstance(command, Either | Unsure):
            return self._question_row(command)
        name = type(command).__name__.lower()
        values = _field_values(command)
        if "todos" in values:
            return _add_row([self._part_row(todo) for todo in values["todos"]])
        if "target" in values:
            return self._target_row(name, values)
        if isinstance(command, Find):
            values |= _field_values(values.pop("filter"))
            values["completed"] = "any" if values["completed"] is None else values["completed"]
            return {name: values.pop("text") or ""} | self._without_defaults(values)
        if isinstance(command, Incomplete):
            return {name: list(command.options) or True}
        value = next(iter(values.values()), True)
        return {name: True if value is None else value}

    def _question_row(self, command: Either | Unsure) -> dict[str, Any]:
        """Returns the row of a text that may be a new todo: the command that it may be, and the todo."""
        changed = self._command_row(command.change) if command.change else {}
        added = self._command_row(command.add)
        title = added.pop("add")
        if isinstance(command, Unsure):
            return changed | {"unsure": title} | ({} if changed else added)
        return changed | {"or_add": {"title": title} | added if added else title}

    def _target_row(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Returns the row of a command that acts on a target. A field that the command clears has the value `none`."""
        parts = _field_values(values.pop("target"))
        target = self._without_defaults(_field_values(parts.pop("filter")) | parts)
        if not values.pop("is_certain", True):
            target["uncertain"] = True
        if "project" in target:
            target["of_project"] = target.pop("project")
        cleared = {key: "none" for key in values.keys() & {"due", "recurrence"} if values[key] is None}
        cleared |= {key: "none" for key in ("project", "parent") if values.get(key) == ""}
        return {name: target.pop("text", "")} | target | self._without_defaults(values) | cleared

    def _part_row(self, part: Any) -> dict[str, Any]:
        return self._without_defaults(_field_values(part))

    def _without_defaults(self, values: dict[str, Any]) -> dict[str, Any]:
        """Converts the phrases in `due` and `recurrence` to dates and rules, and omits default values."""
        row = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
        if isinstance(due := row.get("due"), str):
            row["due"] = self._read_due(due, is_span="completed_on" in values)
        if isinstance(phrase := row.get("recurrence"), str):
            start: Any = row.get("due")
            parsed = parse_recurrence(phrase, now=self.now, timezone=self.timezone, start=start)
            row["recurrence"] = parsed.rule
            if "title" in row:
                row["due"] = parsed.due
        return {key: value for key, value in row.items() if value not in _DEFAULTS}

    def _read_due(self, phrase: str, *, is_span: bool) -> object:
        """Returns the date that a phrase means. Steps such as `2 days later` and spans of days stay as they are."""
        if _STEP.fullmatch(phrase) or (is_span and _SPAN.fullmatch(phrase)):
            return phrase
        return parse_date(phrase, now=self.now, timezone=self.timezone)[0]


def _field_values(part: Any) -> dict[str, Any]:
    return {field.name: getattr(part, field.name) for field in fields(part)}


def _add_row(todos: list[dict[str, Any]]) -> dict[str, Any]:
    if len(todos) == 1:
        return {"add": todos[0].pop("title")} | todos[0]
    if all(todo.keys() == {"title"} for todo in todos):
        return {"add": [todo["title"] for todo in todos]}
    return {"add": todos}


def load_phrases(files: Sequence[Path] = FILES) -> Iterator[Phrase]:
    """Yields the phrases of TOML files, in the order of the files."""
    for file in files:
        for scene in tomllib.loads(file.read_text(encoding="utf-8"))["scene"]:
            yield from _scene_phrases(scene)


def _scene_phrases(scene: dict[str, Any]) -> Iterator[Phrase]:
    timezone = ZoneInfo(scene["zone"])
    for row in scene["phrases"]:
        expected = {key: _to_utc(value, timezone) for key, value in row.items()}
        yield Phrase(
            say=expected.pop("say"),
            known_miss=expected.pop("known_miss", None),
            now=scene["now"].replace(tzinfo=timezone),
            timezone=timezone,
            expected=expected,
        )


def _to_utc(value: Any, timezone: ZoneInfo) -> Any:
    """Converts datetimes without an offset from the time zone to UTC, also within lists and dictionaries."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=timezone).astimezone(UTC)
    if isinstance(value, list):
        return [_to_utc(item, timezone) for item in value]
    if isinstance(value, dict):
        return {key: _to_utc(item, timezone) for key, item in value.items()}
    return value
