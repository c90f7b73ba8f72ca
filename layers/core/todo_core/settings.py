"""Settings, from the environment, `.env` or a secret at AWS. No value of theirs ever reaches a log or an error."""

import os
import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    AWSSecretsManagerSettingsSource,
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from todo_core.database import postgres_url

_SHORTEST_KEY: Final = 32
_DEVELOPMENT_KEY: Final = "development-only-key-that-production-refuses"
_DEVELOPMENT_ORIGINS: Final = ("http://localhost:3000", "http://localhost:5173")
_VARIABLE_OF_SECRET: Final = "SETTINGS_SECRET"  # noqa: S105 - the name of a variable
_PLACEHOLDER: Final = re.compile(
    r"(change|replace)[-_ .]*(me|this|it|in|with)|secret[-_ .]?key|your[-_ .]|placeholder|development", re.IGNORECASE
)

_NOT_AN_ORIGIN: Final = PydanticCustomError("origin", "must list origins such as https://app.example.com")


def _split_by_comma(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _require_origin(text: str) -> str:
    try:
        url = HttpUrl(text)
    except ValidationError:
        raise _NOT_AN_ORIGIN from None
    more = url.username, url.password, url.query, url.fragment, (url.path or "").strip("/")
    if any(more) or "*" in text:
        raise _NOT_AN_ORIGIN
    # As browsers write it in the header Origin: without a port that goes without saying.
    by_default = {"http": 80, "https": 443}[url.scheme]
    return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port != by_default else "")


def _require_postgres_url(secret: SecretStr) -> SecretStr:
    try:
        postgres_url.parse(secret.get_secret_value())
    except ValueError as error:
        raise PydanticCustomError("postgres_url", f"cannot be used: {error}") from None
    return secret


Origin = Annotated[str, AfterValidator(_require_origin)]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split_by_comma)]
PostgresUrlSecret = Annotated[SecretStr, AfterValidator(_require_postgres_url)]


class InvalidSettings(Exception):
    """The settings do not allow a start; the message is one sentence that names the setting."""


class Settings(BaseSettings):
    """Every setting, its default and its bounds. Durations are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    environment: Literal["development", "production"] = "development"
    database_url: PostgresUrlSecret | None = None
    database_url_unpooled: PostgresUrlSecret | None = None
    database_pool_size: int = Field(default=10, ge=1, le=100)
    database_prepared_statements: bool | None = None
    data_folder: Path = Path(".data")

    secret_key: SecretStr | None = None
    session_seconds: int = Field(default=7 * 24 * 3600, ge=60)
    session_cookie: Literal["auto", "secure", "lax"] = "auto"
    cookie_domain: str | None = None
    bcrypt_rounds: int = Field(default=12, ge=4, le=16)
    failed_logins_per_account: int = Field(default=10, ge=1)
    failed_logins_per_address: int = Field(default=100, ge=1)
    registrations_per_address: int = Field(default=30, ge=1)
    attempts_window_seconds: int = Field(default=15 * 60, ge=1)

    openai_api_key: SecretStr | None = None
    openai_base_url: HttpUrl | None = None
    openai_model: str = Field(default="gpt-4.1-mini", min_length=1)
    assistant_seconds: float = Field(default=25, ge=1, le=600)
    assistant_rounds: int = Field(default=8, ge=1, le=50)
    assistant_tool_calls: int = Field(default=25, ge=1, le=100)
    assistant_turn_tokens: int = Field(default=60_000, ge=100)
    assistant_history_tokens: int = Field(default=8_000, ge=0)
    assistant_daily_turns: int = Field(default=500, ge=1)
    assistant_daily_tokens: int = Field(default=1_000_000, ge=1)

    cors_origins: Origins | None = None
    drain_seconds: float = Field(default=0, ge=0, le=300)
    max_body_bytes: int = Field(default=2 * 1024 * 1024, ge=1024)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - its place in pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the environment says comes first. Raises InvalidSettings when the secret it names is not readable."""
        secret = os.environ.get(_VARIABLE_OF_SECRET)
        given = init_settings, env_settings, dotenv_settings
        return (*given, _secret_source(settings_cls, secret)) if secret else given

    @property
    def in_production(self) -> bool:
        return self.environment == "production"

    def with_database_url(self, url: SecretStr) -> Self:
        """Returns a copy that names this database. The URL is not validated again."""
        return self.model_copy(update={"database_url": url})

    @property
    def connection_url(self) -> str:
        """Raises InvalidSettings when no database is named."""
        if self.database_url is None:
            raise InvalidSettings("DATABASE_URL must be set.")
        return self.database_url.get_secret_value()

    @property
    def database_place(self) -> str | None:
        """Database and host, without credentials; None where no database is named."""
        return postgres_url.parse(self.connection_url).place if self.database_url else None

    @property
    def migration_url(self) -> str:
        """Where migrations run: past a pooler, if there is a way. Raises InvalidSettings."""
        if self.database_url_unpooled is None:
            return self.connection_url
        return self.database_url_unpooled.get_secret_value()

    @property
    def prepared_statements(self) -> bool | None:
        """Whether statements stay prepared; None where that is up to the URL alone."""
        if self.database_prepared_statements is None and self.database_url_unpooled and self.database_url:
            # Two ways to the database: the first one leads through a pooler, whatever its name.
            urls = postgres_url.parse(self.connection_url), postgres_url.parse(self.migration_url)
            return False if urls[0].server != urls[1].server else None
        return self.database_prepared_statements

    @property
    def secret_keys(self) -> list[str]:
        """All keys that verify; the first one signs."""
        return self._given_keys or [_DEVELOPMENT_KEY]

    @property
    def _given_keys(self) -> list[str]:
        given = self.secret_key.get_secret_value() if self.secret_key else ""
        return [key.strip() for key in given.split(",") if key.strip()]

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins whose pages may use the API with the user's cookie."""
        if self.cors_origins is None:
            return () if self.in_production else _DEVELOPMENT_ORIGINS
        return self.cors_origins

    @model_validator(mode="after")
    def _require_secrets_in_production(self) -> Self:
        if not self.in_production:
            return self
        if self.database_url is None:
            raise PydanticCustomError("missing", "DATABASE_URL must be set in production")
        if not self._given_keys:
            raise PydanticCustomError("missing", "SECRET_KEY must be set in production")
        for key in self._given_keys:
            if len(key) < _SHORTEST_KEY:
                raise PydanticCustomError("short", f"SECRET_KEY must have at least {_SHORTEST_KEY} characters")
            if _PLACEHOLDER.search(key) or len(set(key)) < 8:  # noqa: PLR2004
                raise PydanticCustomError("placeholder", "SECRET_KEY looks like a placeholder; make a random one")
        return self


def _secret_source(settings_cls: type[BaseSettings], secret: str) -> PydanticBaseSettingsSource:
    """A secret of AWS Secrets Manager: a JSON object of settings by their names."""
    try:
        source = AWSSecretsManagerSettingsSource(settings_cls, secret, case_sensitive=False)
    except ValueError:
        raise InvalidSettings(
            f"The secret {secret}, which {_VARIABLE_OF_SECRET} names, is not a JSON object."
        ) from None
    except Exception as error:  # noqa: BLE001
        # botocore's, which is there on Lambda only. It tells whose right is missing, not what is inside.
        raise InvalidSettings(
            f"The secret {secret}, which {_VARIABLE_OF_SECRET} names, could not be read: {error}"
        ) from None
    # As in the environment, what is empty is not set.
    source.env_vars = {name: value for name, value in source.env_vars.items() if value}
    return source


def load() -> Settings:
    """Reads the settings. Raises InvalidSettings."""
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings(" ".join(_sentences(error))) from None


def _sentences(error: ValidationError) -> list[str]:
    # Only the names and the rules: an input may be a secret.
    return [
        f"{str(fault['loc'][0]).upper()}: {fault['msg']}." if fault["loc"] else f"{fault['msg']}."
        for fault in error.errors(include_input=False, include_url=False, include_context=False)
    ]
