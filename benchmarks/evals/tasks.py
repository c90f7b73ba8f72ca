"""Tasks as data: their form in the TOML files, and the selection of those to run."""

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from evals.dates import Clock

FOLDER: Final = Path(__file__).with_name("tasks")
LANGUAGES: Final = ("en", "de", "fr", "es", "pt", "it", "ur", "hi")
NUMBER: Final = "{n}"
"""Part of a title that is replaced by 1, 2, 3 when a start todo has a `count`."""
OTHER: Final = "{other}"
"""Part of a message that is replaced by the id of the first todo of another user."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_todo(value: object) -> object:
    return {"title": value} if isinstance(value, str) else value


Alternatives = Annotated[list[str], BeforeValidator(_as_list)]
"""A text, or several of which any one is right. An empty text means no value."""


class TodoFields(BaseModel):
    """Expected fields of a todo. A field that is not given has no value in a new todo, and stays in an old one."""

    model_config: ClassVar = ConfigDict(extra="forbid", frozen=True)

    title: Alternatives = []
    description: Alternatives = [""]
    completed: bool = False
    priority: Literal["none", "low", "medium", "high"] = "none"
    due: Alternatives = [""]
    reminder: Alternatives = [""]
    recurrence: Alternatives = [""]
    tags: list[str] = []
    project: Alternatives = [""]
    parent: Alternatives = [""]
    trashed: bool = False


class StartTodo(BaseModel):
    """A todo at the start. Dates have the form that `dates` describes; `parent` is the title of an earlier todo."""

    model_config: ClassVar = ConfigDict(extra="forbid", frozen=True)

    title: str
    description: str | None = None
    completed: bool = False
    priority: Literal["none", "low", "medium", "high"] = "none"
    due: str = ""
    reminder: str = ""
    recurrence: str | None = None
    tags: list[str] = []
    project: str | None = None
    parent: str | None = None
    trashed: bool = False
    count: int = Field(default=1, ge=1, le=200)

    @property
    def titles(self) -> list[str]:
        return [self.title.replace(NUMBER, str(number)) for number in range(1, self.count + 1)]


Start = Annotated[list[Annotated[StartTodo, BeforeValidator(_as_todo)]], Field(max_length=200)]


class Yes(BaseModel):
    """A message by which the user approves, so that the changes after it count as approved."""

    model_config: ClassVar = ConfigDict(extra="forbid", frozen=True)

    yes: str


class Task(BaseModel):
    """One to six turns with a user, and the changes of the todos that they must have in the end.

    A turn is a message, or `true` or `false` as the answer to an approval. `{ yes = "ok" }` is a message that approves.
    A todo that `changed` does not name by its title must stay as it is. New todos are those of `added` and no others.
    """

    model_config: ClassVar = ConfigDict(extra="forbid", frozen=True)

    name: str
    subject: str
    lang: Literal["en", "de", "fr", "es", "pt", "it", "ur", "hi"] = "en"
    adversarial: bool = False
    zone: str = "Europe/Berlin"
    start: Start = []
    other: Start = []
    projects: list[str] = []
    turns: list[str | bool | Yes] = Field(min_length=1, max_length=6)
    added: list[Annotated[TodoFields, BeforeValidator(_as_todo)]] = []
    changed: dict[str, TodoFields] = {}
    new_projects: list[str] = []

    @cached_property
    def expected_changes(self) -> dict[str, TodoFields]:
        """The expected fields by the title at the start, with one entry for each of several numbered todos."""
        return {
            title: self.changed[todo.title]
            for todo in self.start
            if todo.title in self.changed
            for title in todo.titles
        }

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Checks the rules between fields. Raises ValueError for unknown titles and for dates that cannot be read."""
        titles = [title for todo in self.start for title in todo.titles]
        if len(set(titles)) < len(titles) or self.changed.keys() - {todo.title for todo in self.start}:
            raise ValueError("Titles at the start must differ, and `changed` must name such titles.")
        if not all(fields.title for fields in self.added) or (OTHER in str(self.turns)) > bool(self.other):
            raise ValueError("A new todo needs a title, and {other} a todo of another user.")
        self._check_dates()
        return self

    def _check_dates(self) -> None:
        clock = Clock.start(self.zone)
        todos = [*self.start, *self.other]
        expected = [*self.added, *self.changed.values()]
        texts = [text for todo in todos for text in (todo.due, todo.reminder)]
        texts += [text for fields in expected for text in (*fields.due, *fields.reminder)]
        for text in filter(None, texts):
            clock.resolve(text)
        for turn in self.turns:
            clock.fill(str(turn))


def load_tasks(folder: Path = FOLDER) -> list[Task]:
    """Reads the tasks of all TOML files. The name of a file is the subject of its tasks. Raises ValueError."""
    return [
        Task.model_validate({"subject": file.stem, **row})
        for file in sorted(folder.glob("*.toml"))
        for row in tomllib.loads(file.read_text(encoding="utf-8"))["task"]
    ]


def select_tasks(tasks: Sequence[Task], pattern: str, limit: int) -> list[Task]:
    """Returns the tasks of which the name, the subject or the language matches the pattern.

    If there are more than `limit`, returns as many that are evenly spread over them.
    """
    found = [task for task in tasks if any(fnmatch(text, pattern) for text in (task.name, task.subject, task.lang))]
    count = min(limit, len(found))
    return [found[number * len(found) // count] for number in range(count)]
