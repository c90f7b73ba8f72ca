"""What todos are and do, as plain Python: no SQL, no columns that help, and no thought of speed."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

type Turn = UUID | None
"""In which turn of the assistant something is changed; None if the user does it."""

DEEPEST: Final = 5
STEPS: Final = {"DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}


class Refused(Exception):
    """A change that breaks a rule, by the code that names it, and in a batch by its place."""

    def __init__(self, code: str, index: int | None = None) -> None:
        super().__init__(code, index)
        self.code, self.index = code, index


@dataclass
class Todo:
    """Moments are numbers: of the transaction in which something happened."""

    id: UUID
    title: str
    order: float
    completed_at: int | None = None
    due: date | datetime | None = None
    reminder_at: datetime | None = None
    recurrence: str | None = None
    project_id: UUID | None = None
    parent_id: UUID | None = None
    version: int = 1
    deleted_at: int | None = None

    @property
    def is_live(self) -> bool:
        return self.deleted_at is None


@dataclass(frozen=True)
class Change:
    todo_id: UUID
    turn: Turn
    before: Todo | None


@dataclass
class Model:
    """The todos of one user."""

    zone: ZoneInfo
    todos: dict[UUID, Todo] = field(default_factory=dict)
    projects: set[UUID] = field(default_factory=set)
    log: list[Change] = field(default_factory=list)
    now: int = 0
    turn: Turn = None

    def copy(self) -> "Model":
        """Todos are replaced, never changed."""
        return replace(self, todos=dict(self.todos), projects=set(self.projects), log=list(self.log))

    def begin(self, turn: Turn) -> None:
        """Another transaction."""
        self.now += 1
        self.turn = turn

    def create(self, todo_id: UUID, fields: dict[str, Any]) -> None:
        last = max((todo.order for todo in self.todos.values() if todo.is_live), default=0)
        todo = Todo(todo_id, title="", order=last + 1)
        self._apply(todo, fields)
        self._place(todo, fields, Todo(todo_id, title="", order=0))
        self.todos[todo_id] = todo
        self._log(todo, None)

    def patch(self, todo_id: UUID, fields: dict[str, Any], version: int | None) -> None:
        old = self._live(todo_id, version)
        if not fields:
            return
        new = replace(old)
        self._apply(new, {name: value for name, value in fields.items() if name != "completed"})
        moved = False
        if fields.get("completed") and old.completed_at is None:
            moved = _move_on(new, self.zone)
            new.completed_at = None if moved else self.now
        elif fields.get("completed") is False:
            new.completed_at = None
        self._place(new, fields, old)
        if new.recurrence is not None and new.due is None:
            raise Refused("recurrence_needs_due")
        self._write(new)
        self._let_project_follow(new)
        if moved:
            self._reopen_below(new)
        elif new.completed_at is not None and old.completed_at is None:
            self._complete_below(new)

    def delete(self, todo_id: UUID, version: int | None) -> None:
        self._trash(self._live(todo_id, version), self.now)

    def restore(self, todo_id: UUID, version: int | None) -> None:
        todo = self.todos.get(todo_id)
        if todo is None:
            raise Refused("todo_not_found")
        if version not in {None, todo.version}:
            raise Refused("stale_version")
        if not todo.is_live:
            self._bring_back(todo)

    def delete_project(self, project_id: UUID) -> None:
        self.projects.discard(project_id)
        for todo in list(self.todos.values()):
            if todo.project_id == project_id and todo.is_live:
                self._change(todo, deleted_at=self.now)
        for todo in list(self.todos.values()):
            if todo.project_id == project_id:
                self._change(todo, project_id=None)

    def undo(self, turn: UUID) -> None:
        """Puts back what nobody else has changed since, and lets the rules of the tree hold again."""
        befores = {todo_id: self._before(todo_id, turn) for todo_id in {each.todo_id for each in self.log}}
        undone = [(self.todos[todo_id], before) for todo_id, (mine, before) in befores.items() if mine]
        trashed, moved = [], []
        for todo, before in undone:
            old = replace(before) if before else replace(todo, deleted_at=self.now)
            if old.project_id not in self.projects:
                old.project_id = None
            if todo.is_live and old.deleted_at is not None:
                trashed.append(todo.id)
            if todo.project_id != old.project_id:
                moved.append(todo.id)
            self._write(old)
        for todo_id in trashed:
            root = self.todos[todo_id]
            assert root.deleted_at is not None
            for below in self._children(todo_id):
                if below.is_live:
                    self._trash(below, root.deleted_at)
        for todo_id in moved:
            self._let_project_follow(self.todos[todo_id])
        for todo, _ in undone:
            self._settle(self.todos[todo.id])

    def _before(self, todo_id: UUID, turn: UUID) -> tuple[bool, Todo | None]:
        """Whether the todo is as the turn has left it, and what it was before the turn; None if it was not there."""
        changes = [change for change in self.log if change.todo_id == todo_id]
        since = [at for at, change in enumerate(changes) if change.turn == turn]
        if not since or any(change.turn != turn for change in changes[since[0] :]):
            return False, None
        return True, changes[since[0]].before

    def _settle(self, todo: Todo) -> None:
        parent = self.todos.get(todo.parent_id) if todo.parent_id else None
        if parent is None or not todo.is_live:
            return
        if not parent.is_live or self._is_in(parent, todo) or not self._fits(todo, parent):
            self._change(todo, parent_id=None)
        elif todo.project_id != parent.project_id:
            self._change(todo, project_id=parent.project_id)
            self._let_project_follow(self.todos[todo.id])

    def _live(self, todo_id: UUID, version: int | None) -> Todo:
        todo = self.todos.get(todo_id)
        if todo is None or not todo.is_live:
            raise Refused("todo_not_found")
        if version not in {None, todo.version}:
            raise Refused("stale_version")
        return todo

    def _apply(self, todo: Todo, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            if name in {"title", "order", "reminder_at", "recurrence"}:
                setattr(todo, name, value)
            elif name == "completed":
                todo.completed_at = self.now if value else None
            elif name in {"due_date", "due_at"}:
                kind = datetime if name == "due_at" else date
                # To clear the one that is not there changes nothing.
                if value is not None or type(todo.due) is kind:
                    todo.due = value

    def _place(self, todo: Todo, fields: dict[str, Any], old: Todo) -> None:
        """Where it lies: below a parent, in the parent's project, or at the top level of a project."""
        parent_id = fields.get("parent_id", old.parent_id)
        if parent_id is not None and parent_id != old.parent_id:
            parent = self.todos.get(parent_id)
            if parent is None or not parent.is_live:
                raise Refused("unknown_parent")
            if self._is_in(parent, todo):
                raise Refused("tree_cycle")
            if not self._fits(todo, parent):
                raise Refused("tree_too_deep")
            todo.parent_id, todo.project_id = parent_id, parent.project_id
            return
        todo.parent_id = parent_id
        if fields.get("parent_id") is not None or "project_id" not in fields:
            return
        if fields["project_id"] != old.project_id:
            if fields["project_id"] not in {None, *self.projects}:
                raise Refused("unknown_project")
            todo.project_id, todo.parent_id = fields["project_id"], None

    def _trash(self, todo: Todo, when: int) -> None:
        self._change(todo, deleted_at=when)
        for below in self._children(todo.id):
            if below.is_live:
                self._trash(below, when)

    def _bring_back(self, todo: Todo) -> None:
        when, new = todo.deleted_at, replace(todo)
        parent = self.todos.get(todo.parent_id) if todo.parent_id else None
        if parent is not None:
            if parent.is_live and self._fits(todo, parent):
                new.project_id = parent.project_id
            else:
                new.parent_id = None
        new.deleted_at = None
        self._write(new)
        self._let_project_follow(new)
        for below in self._children(todo.id):
            if below.deleted_at == when:
                self._bring_back(below)

    def _let_project_follow(self, todo: Todo) -> None:
        for below in self._children(todo.id):
            if below.is_live and below.project_id != todo.project_id:
                self._change(below, project_id=todo.project_id)
                self._let_project_follow(self.todos[below.id])

    def _complete_below(self, todo: Todo) -> None:
        for below in self._below(todo.id):
            if below.completed_at is None:
                self._change(below, completed_at=todo.completed_at)

    def _reopen_below(self, todo: Todo) -> None:
        for below in self._below(todo.id):
            if below.completed_at is not None:
                self._change(below, completed_at=None)

    def _change(self, todo: Todo, **fields: Any) -> None:
        self._write(replace(todo, **fields))

    def _write(self, new: Todo) -> None:
        old = self.todos[new.id]
        new.version = old.version + 1
        self.todos[new.id] = new
        self._log(new, old)

    def _log(self, todo: Todo, before: Todo | None) -> None:
        self.log.append(Change(todo.id, self.turn, before))

    def _children(self, todo_id: UUID) -> list[Todo]:
        return [todo for todo in self.todos.values() if todo.parent_id == todo_id]

    def _below(self, todo_id: UUID) -> Iterator[Todo]:
        """All live subtodos, at any level."""
        for child in self._children(todo_id):
            if child.is_live:
                yield child
                yield from self._below(child.id)

    def _above(self, todo: Todo) -> Iterator[Todo]:
        seen = {todo.id}
        while todo.parent_id is not None and todo.parent_id not in seen:
            todo = self.todos[todo.parent_id]
            seen.add(todo.id)
            yield todo

    def _is_in(self, todo: Todo, root: Todo) -> bool:
        return todo.id == root.id or any(above.id == root.id for above in self._above(todo))

    def _height(self, todo: Todo) -> int:
        heights = [1 + self._height(child) for child in self._children(todo.id) if child.is_live]
        return max(heights, default=0)

    def _fits(self, todo: Todo, parent: Todo) -> bool:
        return len(list(self._above(parent))) + 1 + self._height(todo) <= DEEPEST


def _move_on(todo: Todo, zone: ZoneInfo) -> bool:
    """Moves what recurs to its next occurrence, by the clock on the wall. False if there is none."""
    if todo.recurrence is None or todo.due is None:
        return False
    rule = dict(part.split("=") for part in todo.recurrence.split(";"))
    step = STEPS[rule["FREQ"]]
    following = _later(todo.due, step, zone)
    day = following.astimezone(zone).date() if isinstance(following, datetime) else following
    if rule.get("COUNT") == "1" or f"{day:%Y%m%d}" > rule.get("UNTIL", "99991231"):
        return False
    if "COUNT" in rule:
        rule["COUNT"] = str(int(rule["COUNT"]) - 1)
    todo.recurrence = ";".join(f"{name}={value}" for name, value in rule.items())
    todo.due = following
    if todo.reminder_at is not None:
        todo.reminder_at = _later(todo.reminder_at, step, zone)
    return True


def _later[Moment: (date, datetime)](moment: Moment, step: timedelta, zone: ZoneInfo) -> Moment:
    if not isinstance(moment, datetime):
        return moment + step
    local = moment.astimezone(zone).replace(tzinfo=None) + step
    return local.replace(tzinfo=zone).astimezone(UTC)
