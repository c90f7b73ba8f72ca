"""Settings of the database."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, SecretStr
from pydantic_core import PydanticCustomError

from todo_core.database import postgres_url
from todo_core.database.postgres_url import PostgresUrl
from todo_core.errors import InvalidSettings


def _require_postgres_url(secret: SecretStr) -> SecretStr:
    try:
        postgres_url.parse(secret.get_secret_value())
    except ValueError as error:
        raise PydanticCustomError("postgres_url", f"cannot be used: {error}") from None
    return secret


PostgresUrlSecret = Annotated[SecretStr, AfterValidator(_require_postgres_url)]


class DatabaseSettings(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True):
    """URLs and pool size with which the service and the migrations connect to PostgreSQL."""

    url: PostgresUrlSecret | None = None
    url_unpooled: PostgresUrlSecret | None = None
    pool_size: int = Field(default=10, ge=1, le=100)
    prepared_statements: bool | None = None

    def with_url(self, url: SecretStr) -> Self:
        """Returns a copy of the settings with `url` replaced. The new URL is not validated."""
        return self.model_copy(update={"url": url})

    @property
    def connection_url(self) -> str:
        """The URL with which the service connects to the database. Raises InvalidSettings when none is set."""
        if self.url is None:
            raise InvalidSettings("DATABASE_URL must be set.")
        return self.url.get_secret_value()

    @property
    def migration_url(self) -> str:
        """The URL with which migrations connect: `url_unpooled`, which avoids a pooler, or else `url`.

        Raises InvalidSettings when neither is set.
        """
        return self.url_unpooled.get_secret_value() if self.url_unpooled else self.connection_url

    @property
    def direct_url(self) -> PostgresUrl | None:
        """The URL of connections that keep their state, such as that of LISTEN. None if only a pooler is known."""
        url = postgres_url.parse(self.migration_url)
        return None if url.pooled else url

    @property
    def display_name(self) -> str | None:
        """The names of the service's database and host, without credentials. None when `url` is not set."""
        return postgres_url.parse(self.connection_url).display_name if self.url else None

    @property
    def keeps_prepared_statements(self) -> bool | None:
        """True if connections keep prepared statements, False if not. None means that Database decides by `url`."""
        if self.prepared_statements is None and self.url_unpooled and self.url:
            # Two URLs with different servers mean that `url` leads through a pooler, whatever its host name. A pooler
            # may lose prepared statements, so they are not kept.
            urls = postgres_url.parse(self.connection_url), postgres_url.parse(self.migration_url)
            return False if urls[0].server != urls[1].server else None
        return self.prepared_statements
