"""A batch of operations on todos, as a request contains it."""

from typing import Annotated, ClassVar, Final, Literal, Self
from uuid import UUID, uuid5

from pydantic import MISSING, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from todo_core.text import Text
from todo_core.todos.model import WHOLE_NUMBER, TodoCreate, TodoUpdate

_MAX_OPERATIONS: Final = 100
_MAX_REF_CHARACTERS: Final = 100
_REF: Final = Text(min_length=1, max_length=_MAX_REF_CHARACTERS)
_REF_NAMESPACE: Final = UUID("8d5cf9a3-6b1f-4d0e-9a55-2f1c7f0c6b11")
"""The UUID namespace for ids that are derived from refs. Nothing else uses this namespace."""


def convert_ref_to_id(ref: str) -> UUID:
    """Returns a UUID that stands for a ref within its batch, so a field can hold ids and refs.

    A ref that is a UUID stands for itself. Any other ref becomes a UUID of version 5. Ids of todos have version 7, so
    such a UUID cannot equal one of them.
    """
    try:
        return UUID(ref)
    except ValueError:
        return uuid5(_REF_NAMESPACE, ref)


def _parse_id_or_ref(value: object) -> object:
    if not isinstance(value, str):
        return value
    if len(value) > _MAX_REF_CHARACTERS:
        raise PydanticCustomError("string_too_long", f"An id or a ref has at most {_MAX_REF_CHARACTERS} characters")
    return convert_ref_to_id(_REF.clean(value))


Ref = Annotated[str, _REF]
IdOrRef = Annotated[
    UUID,
    BeforeValidator(_parse_id_or_ref),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": _MAX_REF_CHARACTERS,
            "pattern": _REF.pattern,
            "description": "The id of a todo, or the `ref` of an earlier create in this batch.",
        }
    ),
]


Version = Annotated[
    int,
    Field(
        strict=True, ge=1, le=999_999_999, description="Applies the operation to this version only, like `If-Match`."
    ),
    WHOLE_NUMBER,
]


class _OperationBase(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid")


class NewTodo(TodoCreate):
    """A todo as in `POST /todos`. Its parent may be a todo created in the same batch."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [{"title": "Buy milk", "parent_id": "shopping"}]}
    )

    parent_id: IdOrRef | None = None


class TodoChanges(TodoUpdate):
    """A merge patch as in `PATCH /todos/{id}`. The parent may be a todo created in the same batch."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [{"completed": True}, {"parent_id": "shopping"}]}
    )

    parent_id: IdOrRef | None | MISSING = MISSING


class CreateOperation(_OperationBase):
    """Creates a todo, like `POST /todos`."""

    op: Literal["create"]
    ref: Ref | None = Field(default=None, description="A name for the new todo in later operations of this batch.")
    todo: NewTodo


class UpdateOperation(_OperationBase):
    """Changes a todo, like `PATCH /todos/{id}`."""

    op: Literal["update"]
    id: IdOrRef
    version: Version | None = None
    changes: TodoChanges


class DeleteOperation(_OperationBase):
    """Puts a todo into the trash, like `DELETE /todos/{id}`."""

    op: Literal["delete"]
    id: IdOrRef
    version: Version | None = None


class RestoreOperation(_OperationBase):
    """Takes a todo out of the trash, like `POST /todos/{id}/restore`."""

    op: Literal["restore"]
    id: IdOrRef
    version: Version | None = None


type BatchOperation = CreateOperation | UpdateOperation | DeleteOperation | RestoreOperation


class Batch(BaseModel):
    """Operations on todos, which run in order."""

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
        min_length=1, max_length=_MAX_OPERATIONS
    )

    @model_validator(mode="after")
    def _check_refs(self) -> Self:
        refs = [each.ref for each in self.operations if isinstance(each, CreateOperation) and each.ref is not None]
        if len(refs) > len(set(refs)):
            raise PydanticCustomError("repeated_ref", "Give each ref to one create only")
        return self
