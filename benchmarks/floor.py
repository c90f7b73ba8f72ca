"""FastAPI without a database: the cost of the framework for the same request and response bodies."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID, uuid4

from fastapi import FastAPI, Query
from pydantic import AwareDatetime, BaseModel

app = FastAPI()


class TodoBody(BaseModel):
    title: str = "Buy milk"
    description: str | None = None
    completed: bool = False
    priority: Literal["none", "low", "medium", "high"] = "none"
    due_date: date | None = None
    due_at: AwareDatetime | None = None
    tags: list[str] = []
    order: float = 0


class TodoPublic(TodoBody):
    id: UUID
    completed_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


def _public(body: TodoBody) -> TodoPublic:
    return TodoPublic(**dict(body), id=_ID, completed_at=None, version=1, created_at=_NOW, updated_at=_NOW)


_ID, _NOW = uuid4(), datetime.now(UTC)
_TODOS = [_public(TodoBody(title=f"Buy milk, bottle {number}", tags=["home"])) for number in range(20)]


@app.get("/todos")
async def read_todos(limit: Annotated[int, Query(le=100)] = 100) -> list[TodoPublic]:
    return _TODOS[:limit]


@app.get("/todos/{todo_id}")
async def read_todo(todo_id: UUID) -> TodoPublic:  # noqa: ARG001 - the same parameters as the other servers
    return _TODOS[0]


@app.post("/todos", status_code=201)
async def create_todo(body: TodoBody) -> TodoPublic:
    return _public(body)


@app.patch("/todos/{todo_id}")
async def update_todo(todo_id: UUID, body: TodoBody) -> TodoPublic:  # noqa: ARG001 - the same parameters as the other servers
    return _public(body)
