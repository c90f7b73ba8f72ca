"""Request and response of the tag route."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from todo_core.web.query import PageQuery


class TagQuery(PageQuery):
    """The query of a list of tags."""

    cursor: str | None = Field(default=None, max_length=1000, description="From the header `Link`.")


class TagRead(BaseModel):
    """A tag and the number of todos outside the trash that have it, completed ones included."""

    model_config: ClassVar = ConfigDict(json_schema_extra={"examples": [{"name": "home", "count": 12}]})

    name: str
    count: int
