"""Several changes in one transaction: all of them happen, or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, Self
from uuid import UUID, uuid5

from pydantic import MISSING, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from todo_core.actors import Actor
from todo_core.database.executor import Executor, Transaction
from todo_core.errors import ServiceError
from todo_core.text import Text
from todo_core.todos import changes, operations
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate

MOST_OPERATIONS: Final = 100
_LONGEST_REF: Final = 100
_REF: Final = Text(min_length=1, max_length=_LONGEST_REF)
_REFS: Final = UUID("8d5cf9a3-6b1f-4d0e-9a55-2f1c7f0c6b11")
"""The namespace of the ids below; any one that nothing else uses."""


def _id_of(ref: str) -> UUID:
    """What a ref is called until its todo has an id: itself if it looks like an id, else one of version 5, which no
    todo has.
    """
    try:
        return UUID(ref)
    except ValueError:
        return uuid5(_REFS, ref)


def _read_id_or_ref(value: object) -> object:
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST_REF:
        raise PydanticCustomError("string_too_long", f"An id or a ref has {_LONGEST_REF} characters at most")
    return _id_of(_REF.clean(value))


Ref = Annotated[str, _REF]
IdOrRef = Annotated[
    UUID,
    BeforeValidator(_read_id_or_ref),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": _LONGEST_REF,
            "pattern": _REF.pattern,
            "description": "The id of a todo, or the `ref` of an earlier create in this batch.",
        }
    ),
]


def _read_whole_number(value: object) -> object:
    """JSON knows one kind of numbers: `7.0` is 7."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Version = Annotated[
    int,
    Field(strict=True, ge=1, le=999_999_999, description="Act only on this version, as `If-Match` would."),
    BeforeValidator(_read_whole_number),
]


class _OperationBase(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid")


class NewTodo(TodoCreate):
    """A todo as `POST /todos` takes it; its parent may be new too."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [{"title": "Buy milk", "parent_id": "shopping"}]}
    )

    parent_id: IdOrRef | None = None


class TodoChanges(TodoUpdate):
    """A merge patch as `PATCH /todos/{id}` takes it; the parent may be new."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [{"completed": True}, {"parent_id": "shopping"}]}
    )

    parent_id: IdOrRef | None | MISSING = MISSING


class CreateOperation(_OperationBase):
    """What `POST /todos` does."""

    op: Literal["create"]
    ref: Ref | None = Field(default=None, description="A name for the new todo in the rest of this batch.")
    todo: NewTodo


class UpdateOperation(_OperationBase):
    """What `PATCH /todos/{id}` does."""

    op: Literal["update"]
    id: IdOrRef
    version: Version | None = None
    changes: TodoChanges


class DeleteOperation(_OperationBase):
    """What `DELETE /todos/{id}` does."""

    op: Literal["delete"]
    id: IdOrRef
    version: Version | None = None


class RestoreOperation(_OperationBase):
    """What `POST /todos/{id}/restore` does."""

    op: Literal["restore"]
    id: IdOrRef
    version: Version | None = None


type BatchOperation = CreateOperation | UpdateOperation | DeleteOperation | RestoreOperation


class Batch(BaseModel):
    """Operations on todos, carried out in their order."""

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "operations": [
                        {"op": "create", "ref": "trip", "todo": {"title": "Plan the trip", "tags": ["summer"]}},
                        {"op": "create", "ref": "train", "todo": {"title": "Book a train", "parent_id": "trip"}},
                        {"op": "update", "id": "train", "version": 1, "changes": {"completed": True}},
                        {"op": "delete", "id": "trip"},
                        {"op": "restore", "id": "trip"},
                    ]
                }
            ]
        },
    )

    operations: list[Annotated[BatchOperation, Field(discriminator="op")]] = Field(
        min_length=1, max_length=MOST_OPERATIONS
    )

    @model_validator(mode="after")
    def _each_ref_once(self) -> Self:
        refs = [each.ref for each in self.operations if isinstance(each, CreateOperation) and each.ref is not None]
        if len(refs) > len(set(refs)):
            raise PydanticCustomError("repeated_ref", "Give each ref to one create only")
        return self


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an operation: the todo as it was right after it, None if it is in the trash."""

    op: Literal["create", "update", "delete", "restore"]
    id: UUID
    ref: str | None
    todo: Todo | None


async def carry_out(db: Executor, actor: Actor, batch: Batch) -> Sequence[Result]:
    """Carries out all operations in one transaction.

    Raises what the first one that fails raises, with its `index` among the members, and then none has happened.
    """
    refs: dict[UUID, UUID] = {}
    async with db.transaction() as transaction:
        await changes.lock_log(transaction, actor.user_id)
        return [
            await _numbered(index, transaction, actor, operation, refs)
            for index, operation in enumerate(batch.operations)
        ]


async def _numbered(
    index: int, transaction: Transaction, actor: Actor, operation: BatchOperation, refs: dict[UUID, UUID]
) -> Result:
    try:
        return await _carry_out(transaction, actor, operation, refs)
    except ServiceError as error:
        error.members = {**error.members, "index": index}
        raise


async def _carry_out(
    transaction: Transaction, actor: Actor, operation: BatchOperation, refs: dict[UUID, UUID]
) -> Result:
    """One operation. `refs` are the ids of the todos that were created under a ref; one that creates adds its own."""
    if isinstance(operation, CreateOperation):
        todo = await operations.add(transaction, actor, _resolved(operation.todo, refs))
        if operation.ref is not None:
            refs[_id_of(operation.ref)] = todo.id
        return Result(operation.op, todo.id, operation.ref, todo)
    if isinstance(operation, UpdateOperation):
        operation = operation.model_copy(update={"changes": _resolved(operation.changes, refs)})
    todo_id = refs.get(operation.id, operation.id)
    return Result(operation.op, todo_id, None, await _change(transaction, actor, todo_id, operation))


async def _change(
    transaction: Transaction,
    actor: Actor,
    todo_id: UUID,
    operation: UpdateOperation | DeleteOperation | RestoreOperation,
) -> Todo | None:
    versions = None if operation.version is None else [operation.version]
    match operation:
        case UpdateOperation():
            return await operations.update(transaction, actor, todo_id, operation.changes, versions)
        case RestoreOperation():
            return await operations.restore(transaction, actor, todo_id, versions)
        case DeleteOperation():
            await operations.delete(transaction, actor, todo_id, versions)
            return None


def _resolved[Fields: (NewTodo, TodoChanges)](fields: Fields, refs: dict[UUID, UUID]) -> Fields:
    """With the id of a parent that was named by its ref."""
    parent_id = fields.parent_id
    if not isinstance(parent_id, UUID) or parent_id not in refs:
        return fields
    return fields.model_copy(update={"parent_id": refs[parent_id]})
