"""The service in the shape of FastAPI's full-stack template: synchronous routes, SQLModel sessions and psycopg.

It contains the measured routes only. `/register` also signs in, without a password, because it is not measured.
"""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import OAuth2PasswordBearer
from jose import JWTError, jwt
from sqlalchemy import Column, DateTime, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, Relationship, Session, SQLModel, col, create_engine, func, select

SECRET_KEY = os.environ["SECRET_KEY"]
ALGORITHM = "HS256"

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1))


def now() -> datetime:
    return datetime.now(UTC)


class User(SQLModel, table=True):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str = Field(unique=True, index=True)
    is_active: bool = True
    todos: list["Todo"] = Relationship(back_populates="owner", cascade_delete=True)


class TodoBase(SQLModel):
    title: str = Field(min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=255)
    completed: bool = False
    priority: str = "none"
    due_date: date | None = None
    due_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    tags: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String), nullable=False))


class TodoUpdate(SQLModel):
    title: str | None = Field(default=None, min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=255)
    completed: bool | None = None
    priority: str | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    tags: list[str] | None = None


class Todo(TodoBase, table=True):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    created_at: datetime | None = Field(default_factory=now, sa_type=DateTime(timezone=True))
    owner_id: UUID = Field(foreign_key="user.id", nullable=False, ondelete="CASCADE")
    owner: User | None = Relationship(back_populates="todos")


class TodoPublic(TodoBase):
    id: UUID
    owner_id: UUID
    created_at: datetime | None = None


class TodosPublic(SQLModel):
    data: list[TodoPublic]
    count: int


def get_db() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_db)]
TokenDep = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="/login/access-token"))]


def get_current_user(session: SessionDep, token: TokenDep) -> User:
    try:
        payload = jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM])
    except JWTError:
        raise HTTPException(403, "Could not validate credentials") from None
    user = session.get(User, UUID(payload["sub"]))
    if not user or not user.is_active:
        raise HTTPException(404, "User not found")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]

SQLModel.metadata.create_all(engine)
app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["http://localhost:5173"],
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)


@app.post("/register")
def register(session: SessionDep, email: str) -> dict[str, str]:
    user = User(email=email)
    session.add(user)
    session.commit()
    claims = {"exp": now() + timedelta(days=8), "sub": str(user.id)}
    return {"access_token": jwt.encode(claims, SECRET_KEY, algorithm=ALGORITHM)}


@app.get("/todos/", response_model=TodosPublic)
def read_todos(session: SessionDep, current_user: CurrentUser, skip: int = 0, limit: int = 100) -> Any:
    count_statement = select(func.count()).select_from(Todo).where(Todo.owner_id == current_user.id)
    count = session.exec(count_statement).one()
    statement = (
        select(Todo)
        .where(Todo.owner_id == current_user.id)
        .order_by(col(Todo.created_at).desc())
        .offset(skip)
        .limit(limit)
    )
    todos = [TodoPublic.model_validate(todo) for todo in session.exec(statement).all()]
    return TodosPublic(data=todos, count=count)


@app.get("/todos/{todo_id}", response_model=TodoPublic)
def read_todo(session: SessionDep, current_user: CurrentUser, todo_id: UUID) -> Any:
    return _find(session, current_user, todo_id)


@app.post("/todos/", response_model=TodoPublic)
def create_todo(*, session: SessionDep, current_user: CurrentUser, todo_in: TodoBase) -> Any:
    todo = Todo.model_validate(todo_in, update={"owner_id": current_user.id})
    session.add(todo)
    session.commit()
    session.refresh(todo)
    return todo


@app.patch("/todos/{todo_id}", response_model=TodoPublic)
def update_todo(*, session: SessionDep, current_user: CurrentUser, todo_id: UUID, todo_in: TodoUpdate) -> Any:
    todo = _find(session, current_user, todo_id)
    todo.sqlmodel_update(todo_in.model_dump(exclude_unset=True))
    session.add(todo)
    session.commit()
    session.refresh(todo)
    return todo


def _find(session: Session, current_user: User, todo_id: UUID) -> Todo:
    todo = session.get(Todo, todo_id)
    if not todo:
        raise HTTPException(404, "Todo not found")
    if todo.owner_id != current_user.id:
        raise HTTPException(403, "Not enough permissions")
    return todo
