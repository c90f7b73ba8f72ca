"""The service as the tutorials of FastAPI and SQLModel would write it, for comparison.

It contains the measured routes only. `/register` also signs in, without a password, because it is not measured.
"""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Cookie, Depends, FastAPI, HTTPException, Query, Request, Response, status
from jose import JWTError, jwt
from sqlalchemy import Column, DateTime, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

SECRET_KEY = os.environ["SECRET_KEY"]
ALGORITHM = "HS256"

engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1))


def now() -> datetime:
    return datetime.now(UTC)


class Priority(StrEnum):
    none = "none"
    low = "low"
    medium = "medium"
    high = "high"


class User(SQLModel, table=True):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str = Field(unique=True, index=True)
    name: str | None = None
    timezone: str = "UTC"
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class TodoBase(SQLModel):
    title: str = Field(min_length=1, max_length=500)
    description: str | None = None
    completed: bool = False
    priority: Priority = Priority.none
    due_date: date | None = None
    due_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    tags: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String), nullable=False))
    order: float = 0


class Todo(TodoBase, table=True):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID = Field(foreign_key="user.id", index=True)
    completed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = 1
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class TodoCreate(TodoBase):
    pass


class TodoPublic(TodoBase):
    id: UUID
    completed_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class TodoUpdate(SQLModel):
    title: str | None = None
    description: str | None = None
    completed: bool | None = None
    priority: Priority | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    tags: list[str] | None = None
    order: float | None = None


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.middleware("http")
async def add_process_time_header(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    start_time = time.perf_counter()
    response = await call_next(request)
    process_time = time.perf_counter() - start_time
    response.headers["X-Process-Time"] = str(process_time)
    return response


async def get_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


async def get_current_user(session: SessionDep, access_token: Annotated[str | None, Cookie()] = None) -> User:
    credentials_exception = HTTPException(status.HTTP_401_UNAUTHORIZED, "Could not validate credentials")
    if access_token is None:
        raise credentials_exception
    try:
        payload = jwt.decode(access_token, SECRET_KEY, algorithms=[ALGORITHM])
    except JWTError:
        raise credentials_exception from None
    user = (await session.exec(select(User).where(User.email == payload.get("sub")))).first()
    if user is None:
        raise credentials_exception
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


@app.post("/register", status_code=201)
async def register(email: str, session: SessionDep, response: Response) -> None:
    session.add(User(email=email))
    await session.commit()
    claims = {"sub": email, "exp": now() + timedelta(days=7)}
    response.set_cookie("access_token", jwt.encode(claims, SECRET_KEY, algorithm=ALGORITHM), httponly=True)


@app.get("/todos", response_model=list[TodoPublic])
async def read_todos(
    session: SessionDep,
    current_user: CurrentUser,
    offset: int = 0,
    limit: Annotated[int, Query(le=100)] = 100,
) -> Sequence[Todo]:
    statement = (
        select(Todo)
        .where(Todo.user_id == current_user.id)
        .order_by(col(Todo.order), col(Todo.id))
        .offset(offset)
        .limit(limit)
    )
    return (await session.exec(statement)).all()


@app.get("/todos/{todo_id}", response_model=TodoPublic)
async def read_todo(todo_id: UUID, session: SessionDep, current_user: CurrentUser) -> Todo:
    db_todo = await session.get(Todo, todo_id)
    if db_todo is None or db_todo.user_id != current_user.id:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Todo not found")
    return db_todo


@app.post("/todos", response_model=TodoPublic, status_code=201)
async def create_todo(todo: TodoCreate, session: SessionDep, current_user: CurrentUser) -> Todo:
    db_todo = Todo.model_validate(todo, update={"user_id": current_user.id})
    if db_todo.completed:
        db_todo.completed_at = now()
    session.add(db_todo)
    await session.commit()
    await session.refresh(db_todo)
    return db_todo


@app.patch("/todos/{todo_id}", response_model=TodoPublic)
async def update_todo(todo_id: UUID, todo: TodoUpdate, session: SessionDep, current_user: CurrentUser) -> Todo:
    db_todo = await session.get(Todo, todo_id)
    if db_todo is None or db_todo.user_id != current_user.id:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Todo not found")
    db_todo.sqlmodel_update(todo.model_dump(exclude_unset=True))
    if not db_todo.completed:
        db_todo.completed_at = None
    elif db_todo.completed_at is None:
        db_todo.completed_at = now()
    db_todo.version += 1
    db_todo.updated_at = now()
    session.add(db_todo)
    await session.commit()
    await session.refresh(db_todo)
    return db_todo
