"""Errors of todos and projects. Some are registered for a database constraint, whose violation raises them."""

from todo_core.database.constraints import raised_for
from todo_core.errors import ServiceError


class TodoNotFound(ServiceError):
    status = 404
    code = "todo_not_found"
    title = "Todo not found"
    detail = "You have no todo with this id."


class ProjectNotFound(ServiceError):
    status = 404
    code = "project_not_found"
    title = "Project not found"
    detail = "You have no project with this id."


class TagNotFound(ServiceError):
    status = 404
    code = "tag_not_found"
    title = "Tag not found"
    detail = "You have no todo with this tag."


class TagChangeNotFound(ServiceError):
    status = 404
    code = "tag_change_not_found"
    title = "Change of a tag not found"
    detail = "You have renamed or deleted no tag in a turn with this id."


class TagTooLarge(ServiceError):
    status = 409
    code = "tag_too_large"
    title = "Tag on too many todos"
    detail = "More than 50,000 todos have this tag, those in the trash included. Nothing was changed."


class IdTaken(ServiceError):
    status = 409
    code = "id_taken"
    title = "Id taken"
    detail = "This id cannot be used; create it with another one."


class BatchTooLarge(ServiceError):
    status = 413
    code = "batch_too_large"
    title = "Batch too large"
    detail = "The todos that the batch returns are too large together. Nothing was changed; split the batch."


class ChangesExpired(ServiceError):
    """The log no longer has the next change. `since` is the number from which it has all changes."""

    status = 410
    code = "changes_expired"
    title = "Changes expired"
    detail = "The log has no longer all changes since this number; read the lists anew and continue from `since`."

    def __init__(self, since: int = 0) -> None:
        super().__init__()
        self.members = {"since": since}


class StaleVersion(ServiceError):
    status = 412
    code = "stale_version"
    title = "Changed meanwhile"
    detail = "It has changed since the version in If-Match; read it again and repeat the change."


class InvalidTodo(ServiceError):
    """Base class of errors for rules that the database checks, most of them because they depend on stored rows."""

    status = 422


@raised_for("unknown_parent")
class UnknownParent(InvalidTodo):
    code = "unknown_parent"
    title = "Unknown parent"
    detail = "You have no todo with the id in parent_id, or it is in the trash; give the id of another, or null."


@raised_for("unknown_project")
class UnknownProject(InvalidTodo):
    code = "unknown_project"
    title = "Unknown project"
    detail = "You have no project with the id in project_id; give the id of another, or null."


@raised_for("tree_cycle")
class TreeCycle(InvalidTodo):
    code = "tree_cycle"
    title = "A todo below itself"
    detail = "A todo can be neither its own subtodo nor one of its subtodos'; give another parent_id."


@raised_for("tree_too_deep")
class TreeTooDeep(InvalidTodo):
    code = "tree_too_deep"
    title = "Tree too deep"
    detail = "Below a top-level todo there are five levels of subtodos at most; give a parent_id further up."


class RecurrenceNeverComes(InvalidTodo):
    code = "recurrence_never_comes"
    title = "Recurrence never comes"
    detail = "From its due date on, the todo never recurs by this rule; give another recurrence or another due date."


class DoesNotRecur(ServiceError):
    status = 409
    code = "does_not_recur"
    title = "Todo does not recur"
    detail = "Only an open todo with a recurrence can be skipped; complete or delete this one instead."


class RecurrenceEnds(ServiceError):
    status = 409
    code = "recurrence_ends"
    title = "Recurrence ends"
    detail = "This is the last occurrence of the todo, so it cannot be skipped; complete or delete it instead."


@raised_for("recurrence_needs_due")
class RecurrenceNeedsDue(InvalidTodo):
    code = "recurrence_needs_due"
    title = "Recurrence needs a due date"
    detail = "A todo that recurs needs a due_date or due_at to recur from; give one, or set recurrence to null."
