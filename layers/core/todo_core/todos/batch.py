"""Runs a batch: several operations on todos in one transaction, of which all take effect or none."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from time import monotonic
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from todo_core.actors import Actor
from todo_core.database.executor import Executor, Transaction
from todo_core.errors import ServiceError
from todo_core.identifiers import new_id
from todo_core.todos import changes, operations
from todo_core.todos.batch_models import (
    Batch,
    BatchOperation,
    CreateOperation,
    DeleteOperation,
    NewTodo,
    RestoreOperation,
    TodoChanges,
    UpdateOperation,
    convert_ref_to_id,
)
from todo_core.todos.errors import BatchTooLarge
from todo_core.todos.model import Todo

_MAX_RESULT_BYTES: Final = 2_500_000
"""JSON inside the JSON of a Lambda response may take twice as many bytes, of which Lambda allows 6 MB."""
_MAX_SECONDS: Final = 5.0
"""Time for all operations. It bounds their cascades: to count the changed todos would take a round trip each time."""
_MAX_COUNTED_SECONDS: Final = 2.0
"""The part of an operation's time that counts. A network that stalls for longer does not make a batch too large."""

type _Refs = dict[UUID, UUID]
"""The ids of the todos that the batch has created so far under a ref.

Each key is the UUID that `convert_ref_to_id` returns for the ref.
"""


class OperationResult(Struct, frozen=True):
    """The result of one operation of a batch. `todo` is the todo right after the operation, None for a delete.

    `completion` is set if the operation completes the todo.
    """

    op: Literal["create", "update", "delete", "restore"]
    id: UUID
    ref: str | None
    todo: Todo | None
    completion: operations.Completion | None = None


async def run_batch(db: Executor, actor: Actor, batch: Batch) -> Sequence[OperationResult]:
    """Runs all operations of the batch in order, in one transaction, and returns their results.

    When an operation fails, all are rolled back. The error is raised with the operation's position in the batch, from
    0, as the extra member `index`. Raises BatchTooLarge past 2.5 MB of todos, and after about 5 seconds.
    """
    async with db.transaction() as transaction:
        await changes.lock_log(transaction, actor.user_id)
        return await _run_all(transaction, actor, batch.operations)


async def _run_all(
    transaction: Transaction, actor: Actor, batch_operations: Sequence[BatchOperation]
) -> Sequence[OperationResult]:
    refs: _Refs = {}
    results: list[OperationResult] = []
    bytes_left, seconds = _MAX_RESULT_BYTES, 0.0
    for run in _split_into_runs(batch_operations):
        if seconds > _MAX_SECONDS:
            raise BatchTooLarge("The batch takes too long. Nothing was changed; split the batch.")
        began = monotonic()
        done = await _run_together(len(results), transaction, actor, run, refs)
        seconds += min(monotonic() - began, _MAX_COUNTED_SECONDS)
        bytes_left -= sum(len(msgspec.json.encode(result.todo)) for result in done)
        if bytes_left < 0:
            raise BatchTooLarge
        results += done
    return results


def _split_into_runs(batch_operations: Sequence[BatchOperation]) -> Iterator[Sequence[BatchOperation]]:
    """Yields all creates that follow each other as one run, and each other operation as a run of its own."""
    for kind, operations_of_kind in groupby(batch_operations, key=type):
        if kind is CreateOperation:
            yield list(operations_of_kind)
        else:
            yield from ([operation] for operation in operations_of_kind)


async def _run_together(
    first: int, transaction: Transaction, actor: Actor, run: Sequence[BatchOperation], refs: _Refs
) -> Sequence[OperationResult]:
    """Runs the operations of a run, of which `first` is the position of the first one in the batch.

    Creates are one statement, which takes a third of the time. When it fails, they run one by one, so that the error is
    that of the first create that fails.
    """
    creates = [operation for operation in run if isinstance(operation, CreateOperation)]
    if len(creates) > 1:
        with suppress(ServiceError):
            async with transaction.savepoint():
                return await _create_all(transaction, actor, creates, refs)
    return [await _run_indexed(first + n, transaction, actor, operation, refs) for n, operation in enumerate(run)]


async def _create_all(
    transaction: Transaction, actor: Actor, creates: Sequence[CreateOperation], refs: _Refs
) -> Sequence[OperationResult]:
    """Creates the todos by one statement. Adds their ids to `refs`, also if it fails."""
    new: list[operations.NewTodo] = []
    for create in creates:
        new.append(operations.NewTodo(create.todo.id or new_id(), _replace_ref(create.todo, refs)))
        if create.ref is not None:
            refs[convert_ref_to_id(create.ref)] = new[-1].id
    todos = await operations.add_all(transaction, actor, new)
    return [OperationResult(create.op, todo.id, create.ref, todo) for create, todo in zip(creates, todos, strict=True)]


async def _run_indexed(
    index: int, transaction: Transaction, actor: Actor, operation: BatchOperation, refs: _Refs
) -> OperationResult:
    """Runs one operation of a batch. When the operation raises an error, adds `index` to the error's members."""
    try:
        return await _run_operation(transaction, actor, operation, refs)
    except ServiceError as error:
        error.members = {**error.members, "index": index}
        raise


async def _run_operation(
    transaction: Transaction, actor: Actor, operation: BatchOperation, refs: _Refs
) -> OperationResult:
    """Runs one operation of a batch. When it creates a todo under a ref, adds the todo's id to `refs`."""
    if isinstance(operation, CreateOperation):
        todo = await operations.add(transaction, actor, _replace_ref(operation.todo, refs))
        if operation.ref is not None:
            refs[convert_ref_to_id(operation.ref)] = todo.id
        return OperationResult(operation.op, todo.id, operation.ref, todo)
    if isinstance(operation, UpdateOperation):
        operation = operation.model_copy(update={"changes": _replace_ref(operation.changes, refs)})
    todo_id = refs.get(operation.id, operation.id)
    changed = await _change_todo(transaction, actor, todo_id, operation)
    if changed is None:
        return OperationResult(operation.op, todo_id, None, None)
    return OperationResult(operation.op, todo_id, None, changed.todo, changed.completion)


async def _change_todo(
    transaction: Transaction,
    actor: Actor,
    todo_id: UUID,
    operation: UpdateOperation | DeleteOperation | RestoreOperation,
) -> operations.Updated | None:
    versions = None if operation.version is None else [operation.version]
    match operation:
        case UpdateOperation():
            return await operations.apply(transaction, actor, todo_id, operation.changes, versions)
        case RestoreOperation():
            return operations.Updated(await operations.restore(transaction, actor, todo_id, versions))
        case DeleteOperation():
            await operations.delete(transaction, actor, todo_id, versions)
            return None


def _replace_ref[Fields: (NewTodo, TodoChanges)](fields: Fields, refs: _Refs) -> Fields:
    """Returns the fields with the real id of the parent if `parent_id` stands for a ref, else unchanged."""
    parent_id = fields.parent_id
    if not isinstance(parent_id, UUID) or parent_id not in refs:
        return fields
    return fields.model_copy(update={"parent_id": refs[parent_id]})
