"""A simple model of one user's todos, with which tests compare the service: plain Python without SQL."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

type Turn = UUID | None
"""Id of the assistant's turn that makes a change, None for a change by the user."""

MAX_DEPTH: Final = 5
STEPS: Final = {"DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
PLAIN_FIELDS: Final = frozenset({"title", "order", "priority", "tags", "reminder_at", "recurrence"})


class Refusal(Exception):
    """Error for a change that breaks a rule. `code` is the API's error code, `index` the position in a batch."""

    def __init__(self, code: str, index: int | None = None) -> None:
        super().__init__(code, index)
        self.code, self.index = code, index


@dataclass
class Todo:
    """A todo of the model, which has no clock: `completed_at` is a transaction number, `deleted_at` a deletion's."""

    id: UUID
    title: str
    order: float
    priority: str = "none"
    tags: list[str] = field(default_factory=list)
    completed_at: int | None = None
    due: date | datetime | None = None
    reminder_at: datetime | None = None
    recurrence: str | None = None
    project_id: UUID | None = None
    parent_id: UUID | None = None
    version: int = 1
    deleted_at: int | None = None
    place: tuple[date | datetime, datetime | None] | None = field(default=None, compare=False)
    """Due date and reminder of the current occurrence before it was postponed."""

    @property
    def is_live(self) -> bool:
        return self.deleted_at is None


@dataclass(frozen=True)
class Change:
    """A line of the change log. `before` is the todo before the change, None for a creation."""

    todo_id: UUID
    turn: Turn
    before: Todo | None
    after: Todo


@dataclass
class TodoModel:
    """The todos, projects and change log of one user.

    `now` is the number of the current transaction, `deletions` that of the last deletion: one statement is one.
    """

    zone: ZoneInfo
    todos: dict[UUID, Todo] = field(default_factory=dict)
    projects: set[UUID] = field(default_factory=set)
    log: list[Change] = field(default_factory=list)
    now: int = 0
    deletions: int = 0
    turn: Turn = None

    def copy(self) -> "TodoModel":
        """Returns a copy of the model. It shares the todos, which is safe: changes replace a stored todo."""
        return replace(self, todos=dict(self.todos), projects=set(self.projects), log=list(self.log))

    @property
    def live_by_order(self) -> list[Todo]:
        """The todos outside the trash, sorted by order and id like the API's list of todos."""
        return sorted((todo for todo in self.todos.values() if todo.is_live), key=lambda todo: (todo.order, todo.id))

    def begin(self, turn: Turn = None) -> None:
        """Starts the next transaction. The log names `turn` as the author of its changes."""
        self.now += 1
        self.turn = turn

    def create(self, todo_id: UUID, fields: dict[str, Any]) -> None:
        last = max((todo.order for todo in self.todos.values() if todo.is_live), default=0)
        todo = Todo(todo_id, title="", order=last + 1)
        self._set_fields(todo, fields)
        self._set_place(todo, fields, Todo(todo_id, title="", order=0))
        self.todos[todo_id] = todo
        self._append_to_log(todo, None)

    def patch(self, todo_id: UUID, fields: dict[str, Any], version: int | None) -> None:
        old = self._find_live(todo_id, version)
        new = replace(old)
        self._set_fields(new, {name: value for name, value in fields.items() if name != "completed"})
        new.place = _find_place(old, new, fields)
        recurred = False
        if fields.get("completed") and old.completed_at is None:
            recurred = _move_to_next_occurrence(new, self.zone)
            new.completed_at = None if recurred else self.now
        elif fields.get("completed") is False:
            new.completed_at = None
        self._set_place(new, fields, old)
        if new.recurrence is not None and new.due is None:
            raise Refusal("recurrence_needs_due")
        if new == old:
            return
        self._store(new)
        self._cascade_project(new)
        if recurred:
            self._reopen_descendants(new)
        elif new.completed_at is not None and old.completed_at is None:
            self._complete_descendants(new)

    def delete(self, todo_id: UUID, version: int | None) -> None:
        self._trash(self._find_live(todo_id, version), self._begin_deletion())

    def restore(self, todo_id: UUID, version: int | None) -> None:
        todo = self.todos.get(todo_id)
        if todo is None:
            raise Refusal("todo_not_found")
        if version not in {None, todo.version}:
            raise Refusal("stale_version")
        if not todo.is_live:
            self._restore_tree(todo)

    def delete_project(self, project_id: UUID) -> None:
        self.projects.discard(project_id)
        deletion = self._begin_deletion()
        for todo in list(self.todos.values()):
            if todo.project_id == project_id and todo.is_live:
                self._update(todo, deleted_at=deletion)
        for todo in list(self.todos.values()):
            if todo.project_id == project_id:
                self._update(todo, project_id=None)

    def undo(self, turn: UUID) -> None:
        """Reverts the todos that are still as this turn has left them. Then repairs parents and projects."""
        undone, deletion = self._left_by_turn(turn), self._begin_deletion()
        trashed, moved = [], []
        for todo, before in undone:
            old = replace(before) if before else replace(todo, deleted_at=deletion)
            if old.project_id not in self.projects:
                old.project_id = None
            if todo.is_live and old.deleted_at is not None:
                trashed.append(todo.id)
            if todo.project_id != old.project_id:
                moved.append(todo.id)
            self._store(old)
        for todo_id in trashed:
            self._trash_live_children(self.todos[todo_id])
        for todo_id in moved:
            self._cascade_project(self.todos[todo_id])
        for todo, _ in undone:
            self._settle_after_undo(self.todos[todo.id])

    def _left_by_turn(self, turn: UUID) -> list[tuple[Todo, Todo | None]]:
        """Returns the todos that are as this turn has left them, with their state before the turn.

        A todo that something else changed between two changes of the turn is left out.
        """
        found = []
        for todo_id in {change.todo_id for change in self.log}:
            changes = [change for change in self.log if change.todo_id == todo_id]
            by_turn = [at for at, change in enumerate(changes) if change.turn == turn]
            if not by_turn or by_turn != list(range(by_turn[0], by_turn[-1] + 1)):
                continue
            todo, last = self.todos[todo_id], changes[by_turn[-1]].after
            if replace(todo, version=last.version) == last:
                found.append((todo, changes[by_turn[0]].before))
        return found

    def _trash_live_children(self, root: Todo) -> None:
        assert root.deleted_at is not None
        for child in self._children(root.id):
            if child.is_live:
                self._trash(child, root.deleted_at)

    def _settle_after_undo(self, todo: Todo) -> None:
        parent = self.todos.get(todo.parent_id) if todo.parent_id else None
        if parent is None or not todo.is_live:
            return
        if not parent.is_live or self._is_in_tree(parent, todo) or not self._fits(todo, parent):
            self._update(todo, parent_id=None)
        elif todo.project_id != parent.project_id:
            self._update(todo, project_id=parent.project_id)
            self._cascade_project(self.todos[todo.id])

    def _find_live(self, todo_id: UUID, version: int | None) -> Todo:
        todo = self.todos.get(todo_id)
        if todo is None or not todo.is_live:
            raise Refusal("todo_not_found")
        if version not in {None, todo.version}:
            raise Refusal("stale_version")
        return todo

    def _set_fields(self, todo: Todo, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            if name in PLAIN_FIELDS:
                setattr(todo, name, value)
            elif name == "completed":
                todo.completed_at = self.now if value else None
            elif name in {"due_date", "due_at"}:
                kind = datetime if name == "due_at" else date
                # Null for due_at does not clear a due_date, and null for due_date does not clear a due_at.
                if value is not None or type(todo.due) is kind:
                    todo.due = value

    def _set_place(self, todo: Todo, fields: dict[str, Any], old: Todo) -> None:
        """Sets parent and project. A new parent's project overrides `project_id`. Another project clears the parent."""
        parent_id = fields.get("parent_id", old.parent_id)
        if parent_id is not None and parent_id != old.parent_id:
            self._set_parent(todo, parent_id)
            return
        todo.parent_id = parent_id
        if fields.get("parent_id") is not None or "project_id" not in fields:
            return
        if fields["project_id"] != old.project_id:
            if fields["project_id"] not in {None, *self.projects}:
                raise Refusal("unknown_project")
            todo.project_id, todo.parent_id = fields["project_id"], None

    def _set_parent(self, todo: Todo, parent_id: UUID) -> None:
        parent = self.todos.get(parent_id)
        if parent is None or not parent.is_live:
            raise Refusal("unknown_parent")
        if self._is_in_tree(parent, todo):
            raise Refusal("tree_cycle")
        if not self._fits(todo, parent):
            raise Refusal("tree_too_deep")
        todo.parent_id, todo.project_id = parent_id, parent.project_id

    def _begin_deletion(self) -> int:
        self.deletions += 1
        return self.deletions

    def _trash(self, todo: Todo, when: int) -> None:
        self._update(todo, deleted_at=when)
        for child in self._children(todo.id):
            if child.is_live:
                self._trash(child, when)

    def _restore_tree(self, todo: Todo) -> None:
        """Restores a todo from the trash, and its subtodos at every level that the same deletion put there."""
        when, new = todo.deleted_at, replace(todo)
        parent = self.todos.get(todo.parent_id) if todo.parent_id else None
        if parent is not None:
            if parent.is_live and self._fits(todo, parent):
                new.project_id = parent.project_id
            else:
                new.parent_id = None
        new.deleted_at = None
        self._store(new)
        self._cascade_project(new)
        for child in self._children(todo.id):
            if child.deleted_at == when:
                self._restore_tree(child)

    def _cascade_project(self, todo: Todo) -> None:
        for child in self._children(todo.id):
            if child.is_live and child.project_id != todo.project_id:
                self._update(child, project_id=todo.project_id)
                self._cascade_project(self.todos[child.id])

    def _complete_descendants(self, todo: Todo) -> None:
        for descendant in self._live_descendants(todo.id):
            if descendant.completed_at is None:
                self._update(descendant, completed_at=todo.completed_at)

    def _reopen_descendants(self, todo: Todo) -> None:
        for descendant in self._live_descendants(todo.id):
            if descendant.completed_at is not None:
                self._update(descendant, completed_at=None)

    def _update(self, todo: Todo, **fields: Any) -> None:
        self._store(replace(todo, **fields))

    def _store(self, new: Todo) -> None:
        old = self.todos[new.id]
        new.version = old.version + 1
        self.todos[new.id] = new
        self._append_to_log(new, old)

    def _append_to_log(self, todo: Todo, before: Todo | None) -> None:
        self.log.append(Change(todo.id, self.turn, before, replace(todo)))

    def _children(self, todo_id: UUID) -> list[Todo]:
        return [todo for todo in self.todos.values() if todo.parent_id == todo_id]

    def _live_descendants(self, todo_id: UUID) -> Iterator[Todo]:
        """Yields the subtodos at every level that are not in the trash. Omits those below a subtodo in the trash."""
        for child in self._children(todo_id):
            if child.is_live:
                yield child
                yield from self._live_descendants(child.id)

    def _ancestors(self, todo: Todo) -> Iterator[Todo]:
        seen = {todo.id}
        while todo.parent_id is not None and todo.parent_id not in seen:
            todo = self.todos[todo.parent_id]
            seen.add(todo.id)
            yield todo

    def _is_in_tree(self, todo: Todo, root: Todo) -> bool:
        return todo.id == root.id or any(ancestor.id == root.id for ancestor in self._ancestors(todo))

    def _height(self, todo: Todo) -> int:
        """Returns the number of levels of subtodos below a todo, without those in the trash."""
        heights = [1 + self._height(child) for child in self._children(todo.id) if child.is_live]
        return max(heights, default=0)

    def _fits(self, todo: Todo, parent: Todo) -> bool:
        return len(list(self._ancestors(parent))) + 1 + self._height(todo) <= MAX_DEPTH


def _move_to_next_occurrence(todo: Todo, zone: ZoneInfo) -> bool:
    """Moves a recurring todo to its next occurrence. Returns False if it does not recur or has no next occurrence."""
    if todo.recurrence is None or todo.due is None:
        return False
    rule = dict(part.split("=") for part in todo.recurrence.split(";"))
    step = STEPS[rule["FREQ"]]
    origin = todo.place[0] if todo.place else todo.due
    steps = next(
        number for number in count(1) if _is_later(_add_on_wall_clock(origin, step * number, zone), todo.due, zone)
    )
    next_due = _add_on_wall_clock(origin, step * steps, zone)
    left = int(rule.get("COUNT", "9999")) - steps
    if left < 1 or f"{_day_of(next_due, zone):%Y%m%d}" > rule.get("UNTIL", "99991231"):
        return False
    if "COUNT" in rule:
        rule["COUNT"] = str(left)
    todo.recurrence = ";".join(f"{name}={value}" for name, value in rule.items())
    if todo.reminder_at is not None:
        lead = _find_lead(todo, todo.reminder_at, zone)
        todo.reminder_at = (_local(next_due, zone) + lead).replace(tzinfo=zone).astimezone(UTC)
    todo.due, todo.place = next_due, None
    return True


def _find_place(old: Todo, new: Todo, fields: dict[str, Any]) -> tuple[date | datetime, datetime | None] | None:
    """Returns the place of a changed todo in its series: a rule begins at the due date, a due date alone postpones."""
    if "recurrence" in fields:
        return old.place if (old.recurrence, old.due) == (new.recurrence, new.due) else None
    if new.due == old.due or old.due is None or old.recurrence is None:
        return old.place
    return old.place or (old.due, old.reminder_at)


def _find_lead(todo: Todo, reminder: datetime, zone: ZoneInfo) -> timedelta:
    """Returns the distance of the reminder from the due date, for a postponed todo that before the postponement."""
    due = todo.due
    assert due is not None
    if todo.place and todo.place[1] and (todo.due != todo.place[0] or todo.place[1] == reminder):
        due, reminder = todo.place[0], todo.place[1]
    return _local(reminder, zone) - _local(due, zone)


def _is_later(moment: date | datetime, due: date | datetime, zone: ZoneInfo) -> bool:
    """Returns whether a moment is later than a due date. A due date without a time is its whole day."""
    if isinstance(moment, datetime) and isinstance(due, datetime):
        return moment > due
    return _day_of(moment, zone) > _day_of(due, zone)


def _day_of(moment: date | datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment


def _local(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment.astimezone(zone).replace(tzinfo=None)
    return datetime.combine(moment, time())


def _add_on_wall_clock(moment: date | datetime, step: timedelta, zone: ZoneInfo) -> date | datetime:
    if not isinstance(moment, datetime):
        return moment + step
    return (_local(moment, zone) + step).replace(tzinfo=zone).astimezone(UTC)
