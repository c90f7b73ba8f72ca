"""Settings from the environment, `.env` or a secret of AWS Secrets Manager. Errors never show the settings' values."""

import json
import os
import re
from collections import ChainMap
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, cast
from uuid import UUID

from msgspec import Struct
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    HttpUrl,
    JsonValue,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    AWSSecretsManagerSettingsSource,
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from todo_core.database.settings import DatabaseSettings
from todo_core.errors import InvalidSettings
from todo_core.hosts import HeaderNames, Hosts, Origins, find_origin
from todo_core.limits import DailyQuota, Quotas, RateLimits, RequestLimits, Retention, TurnLimits
from todo_core.mail_servers import MailSender, MailServer, MailUrlSecret, SenderText, parse_sender, parse_server
from todo_core.secret_keys import estimate_bits
from todo_core.settings_group import SettingsGroup
from todo_core.web_push_keys import VapidKeySecret, VapidSubject

_MIN_KEY_CHARACTERS: Final = 32
_MIN_KEY_BITS: Final = 40
_DEVELOPMENT_KEY: Final = "development-only-key-that-production-refuses"
_DEVELOPMENT_ORIGINS: Final = ("http://localhost:3000", "http://localhost:5173")
_DEVELOPMENT_SENDER: Final = "Todos <todos@localhost>"
_DEFAULT_PORT: Final = "8000"
_SECRET_VARIABLE: Final = "SETTINGS_SECRET"  # noqa: S105 - the name of a variable
_PLACEHOLDER: Final = re.compile(
    r"(change|replace)[-_ .]*(me|this|it|in|with)|secret[-_ .]?key|your[-_ .]|placeholder|development", re.IGNORECASE
)

_MAX_SESSION_SECONDS: Final = 10 * 365 * 24 * 3600
_FIELDS_OF_THE_ASSISTANT: Final = {"model", "messages", "input", "tools", "stream"}
_NOT_A_JSON_OBJECT: Final = PydanticCustomError("json_object", 'must be a JSON object such as {"temperature": 0}')


def _parse_json_object(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        raise _NOT_A_JSON_OBJECT from None
    if not isinstance(parsed, dict):
        raise _NOT_A_JSON_OBJECT
    if fixed := parsed.keys() & _FIELDS_OF_THE_ASSISTANT:
        raise PydanticCustomError("fixed", f"must not set {', '.join(sorted(fixed))}, which the assistant sets itself")
    return parsed


ExtraBody = Annotated[Mapping[str, JsonValue], BeforeValidator(_parse_json_object)]


RegistrationMode = Literal["open", "invite", "closed"]
"""The people who may register: everyone, owners of an invite, or nobody."""


class SessionSettings(SettingsGroup):
    """Lifetimes of sessions, and the attributes of their cookie.

    Use renews a session for `session_seconds`, but it ends `session_max_seconds` after its login at the latest.
    """

    session_seconds: int = Field(default=7 * 24 * 3600, ge=60, le=_MAX_SESSION_SECONDS)
    session_max_seconds: int = Field(default=90 * 24 * 3600, ge=60, le=_MAX_SESSION_SECONDS)
    session_cookie: Literal["auto", "secure", "lax"] = "auto"
    cookie_domain: str | None = None

    @property
    def lifetime(self) -> timedelta:
        return timedelta(seconds=self.session_seconds)

    @property
    def max_lifetime(self) -> timedelta:
        return timedelta(seconds=self.session_max_seconds)


class MailSettings(SettingsGroup):
    """The server and sender of mails, and the pages to which links in mails lead.

    Links lead to `frontend_url`, or else to the pages of this service at `public_url`.
    """

    mail_url: MailUrlSecret | None = None
    mail_from: SenderText | None = None
    public_url: HttpUrl | None = None
    frontend_url: HttpUrl | None = None
    outbox_seconds: float = Field(default=30, ge=1, le=86_400)

    @property
    def server(self) -> MailServer | None:
        return parse_server(self.mail_url.get_secret_value()) if self.mail_url else None

    @property
    def sender(self) -> MailSender:
        return parse_sender(self.mail_from or _DEVELOPMENT_SENDER)


class WebhookSettings(SettingsGroup):
    """Receivers of webhooks and of web push. `allow_private` is for development: private hosts, and http."""

    allow_private: bool = False


class PushSettings(SettingsGroup):
    """The key with which the service signs web push, and the contact of its operator (VAPID, RFC 8292)."""

    private_key: VapidKeySecret | None = None
    subject: VapidSubject | None = None


class OAuthSettings(SettingsGroup):
    """Lifetimes of OAuth tokens. A connection ends when it was not used for `refresh_token_seconds`.

    It ends `connection_seconds` after the consent at the latest. `registration` lets clients register themselves, at
    most `registrations_per_address` of a network in a window.
    """

    access_token_seconds: int = Field(default=3600, ge=60, le=24 * 3600)
    refresh_token_seconds: int = Field(default=30 * 24 * 3600, ge=600, le=_MAX_SESSION_SECONDS)
    connection_seconds: int = Field(default=90 * 24 * 3600, ge=600, le=_MAX_SESSION_SECONDS)
    registration: bool = True
    registrations_per_address: int = Field(default=60, ge=1, le=1_000_000)

    @property
    def access_lifetime(self) -> timedelta:
        return timedelta(seconds=self.access_token_seconds)

    @property
    def refresh_lifetime(self) -> timedelta:
        return timedelta(seconds=self.refresh_token_seconds)

    @property
    def connection_lifetime(self) -> timedelta:
        return timedelta(seconds=self.connection_seconds)


class OpenAISettings(SettingsGroup):
    """Access to the language model. Without a key, the assistant understands commands only.

    `extra_body` holds fields that each request to the provider contains besides those of this service.
    """

    api_key: SecretStr | None = None
    base_url: HttpUrl | None = None
    model: str = Field(default="gpt-4.1-mini", min_length=1)
    api: Literal["auto", "chat", "responses"] = "auto"
    reasoning_effort: str | None = Field(default=None, pattern=r"^[a-z]{1,20}$")
    max_output_tokens: int | None = Field(default=None, ge=16, le=1_000_000)
    extra_body: ExtraBody | None = None


class AzureOpenAISettings(SettingsGroup):
    """Access to a model that is deployed in Azure OpenAI. The deployment's name is the setting `OPENAI_MODEL`."""

    endpoint: HttpUrl | None = None
    api_key: SecretStr | None = None
    api_version: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,40}$")


class Prefix(Struct, frozen=True):
    """Annotates a group of settings: the names of the group's environment variables begin with `text`."""

    text: str


class AssistantSettings(SettingsGroup):
    """Limits of the assistant. `seconds` is the time limit of a turn. A user may have `turns_at_once` running turns."""

    seconds: float = Field(default=25, ge=1, le=600)
    turns_at_once: int = Field(default=4, ge=1, le=100)
    turn_limits: TurnLimits = TurnLimits()
    daily_quota: Annotated[DailyQuota, Prefix("DAILY_")] = DailyQuota()


class Settings(BaseSettings):
    """All settings with their defaults and bounds. Durations are in seconds, sizes in bytes.

    Each setting has a flat name in the environment, see `VARIABLES`: `database.url` is DATABASE_URL.
    """

    model_config = SettingsConfigDict(
        env_file=".env", extra="forbid", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    environment: Literal["development", "production"] = "development"
    database: Annotated[DatabaseSettings, Prefix("DATABASE_")] = DatabaseSettings()
    data_folder: Path = Path(".data")

    secret_key: SecretStr | None = None
    sessions: SessionSettings = SessionSettings()
    bcrypt_rounds: int = Field(default=12, ge=4, le=16)
    registration: RegistrationMode = "open"
    require_verified_email: bool = False
    web_page: bool = True
    rate_limits: RateLimits = RateLimits()
    request_limits: RequestLimits = RequestLimits()
    quotas: Annotated[Quotas, Prefix("QUOTA_")] = Quotas()
    retention: Retention = Retention()
    mail: MailSettings = MailSettings()
    webhooks: Annotated[WebhookSettings, Prefix("WEBHOOKS_")] = WebhookSettings()
    oauth: Annotated[OAuthSettings, Prefix("OAUTH_")] = OAuthSettings()
    push: Annotated[PushSettings, Prefix("VAPID_")] = PushSettings()

    openai: Annotated[OpenAISettings, Prefix("OPENAI_")] = OpenAISettings()
    azure_openai: Annotated[AzureOpenAISettings, Prefix("AZURE_OPENAI_")] = AzureOpenAISettings()
    assistant: Annotated[AssistantSettings, Prefix("ASSISTANT_")] = AssistantSettings()

    cors_origins: Origins | None = None
    cors_headers: HeaderNames | None = None
    allowed_hosts: Hosts | None = None
    readiness_seconds: float = Field(default=40, ge=0, le=7 * 24 * 3600)
    drain_seconds: float = Field(default=0, ge=0, le=300)
    max_body_bytes: int = Field(default=2 * 1024 * 1024, ge=1024, le=100 * 1024 * 1024)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_host: str = Field(default="127.0.0.1", pattern=r"^[A-Za-z0-9.:-]+$", max_length=253)
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - part of pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Returns the sources of settings, highest precedence first: arguments, environment, `.env`, AWS secret.

        The last three are merged into one source. Raises InvalidSettings when the secret cannot be read.
        """
        sources = [cast(EnvSettingsSource, source) for source in (env_settings, dotenv_settings)]
        if secret := os.environ.get(_SECRET_VARIABLE):
            sources.append(_load_secret(settings_cls, secret))
        # A line of `.env` with a name but no `=` has the value None. The setting counts as absent, like an empty one.
        given = ({name: value for name, value in source.env_vars.items() if value is not None} for source in sources)
        variables = ChainMap(*given)
        return init_settings, InitSettingsSource(settings_cls, nest_variables(variables))

    @property
    def in_production(self) -> bool:
        return self.environment == "production"

    def with_database_url(self, url: SecretStr) -> Self:
        """Returns a copy of the settings with this database URL. The URL is not validated."""
        return self.model_copy(update={"database": self.database.with_url(url)})

    @property
    def can_send_mail(self) -> bool:
        """True if mails have a server. In development, mails without one are written into files."""
        return self.mail.mail_url is not None or not self.in_production

    @property
    def can_push(self) -> bool:
        """True if reminders can be sent by web push."""
        return self.push.private_key is not None

    def build_todo_url(self, todo_id: UUID) -> str | None:
        """Returns the URL of a todo in the front end. None without FRONTEND_URL."""
        url = self.mail.frontend_url
        return None if url is None else f"{str(url).rstrip('/')}/todos/{todo_id}"

    @property
    def link_base(self) -> str:
        """The URL, without a slash at its end, of the pages to which links in mails lead.

        Raises InvalidSettings in production when none is set.
        """
        url = self.mail.frontend_url or self.mail.public_url
        if url is None and self.in_production:
            raise InvalidSettings("PUBLIC_URL or FRONTEND_URL must be set in production, if MAIL_URL is.")
        return str(url or self._local_url).rstrip("/")

    @property
    def service_url(self) -> str:
        """The URL of this service without a slash at its end. In production without PUBLIC_URL, an empty text."""
        url = self.mail.public_url or (None if self.in_production else self._local_url)
        return str(url or "").rstrip("/")

    @property
    def has_language_model(self) -> bool:
        """True if a language model is configured. Without one, the assistant understands commands only."""
        return self.openai.api_key is not None or self.azure_openai.endpoint is not None

    @property
    def secret_keys(self) -> list[str]:
        """The secret keys. The first one signs; a signature by any of them is valid, so that keys can be replaced.

        Raises InvalidSettings in production when none is set. Migrations and the purge need none.
        """
        if self.in_production and not self._given_keys:
            raise InvalidSettings("SECRET_KEY must be set in production.")
        return self._given_keys or [_DEVELOPMENT_KEY]

    @property
    def has_secret_keys(self) -> bool:
        """False in production without a secret key: then secrets of users cannot be read."""
        return bool(self._given_keys) or not self.in_production

    @property
    def _given_keys(self) -> list[str]:
        given = self.secret_key.get_secret_value() if self.secret_key else ""
        return [key.strip() for key in given.split(",") if key.strip()]

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The web origins whose pages may call the API with the user's cookie.

        Without a setting, none in production, and local development servers otherwise.
        """
        if self.cors_origins is None:
            return () if self.in_production else _DEVELOPMENT_ORIGINS
        return self.cors_origins

    @property
    def page_origins(self) -> tuple[str, ...]:
        """The web origins of the pages at which users sign in, the main one first. Passkeys belong to its host."""
        urls = [url for url in (self.mail.frontend_url, self.mail.public_url) if url is not None]
        own = () if self.in_production else (find_origin(self._local_url),)
        return (*map(find_origin, urls), *self.allowed_origins, *own)

    @property
    def _local_url(self) -> HttpUrl:
        """The URL of a service that a developer runs."""
        return HttpUrl(f"http://localhost:{os.environ.get('PORT', _DEFAULT_PORT)}")

    @model_validator(mode="after")
    def _require_one_endpoint(self) -> Self:
        azure = self.azure_openai
        if (azure.endpoint is None) != (azure.api_key is None):
            raise PydanticCustomError("azure", "AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY belong together")
        if azure.endpoint is not None and self.openai.base_url is not None:
            raise PydanticCustomError("azure", "set either AZURE_OPENAI_ENDPOINT or OPENAI_BASE_URL")
        return self

    @model_validator(mode="after")
    def _require_sender(self) -> Self:
        if self.mail.mail_url is not None and self.mail.mail_from is None:
            raise PydanticCustomError("missing", "MAIL_URL needs MAIL_FROM, the address from which mails come")
        return self

    @model_validator(mode="after")
    def _require_push_contact(self) -> Self:
        if (self.push.private_key is None) != (self.push.subject is None):
            raise PydanticCustomError("missing", "VAPID_PRIVATE_KEY and VAPID_SUBJECT belong together")
        return self

    @model_validator(mode="after")
    def _check_secrets_in_production(self) -> Self:
        if not self.in_production:
            return self
        if self.database.url is None:
            raise PydanticCustomError("missing", "DATABASE_URL must be set in production")
        if self.webhooks.allow_private:
            raise PydanticCustomError("private", "WEBHOOKS_ALLOW_PRIVATE is for development, not for production")
        for key in self._given_keys:
            if len(key) < _MIN_KEY_CHARACTERS:
                raise PydanticCustomError("short", f"SECRET_KEY must have at least {_MIN_KEY_CHARACTERS} characters")
            if _PLACEHOLDER.search(key) or estimate_bits(key) < _MIN_KEY_BITS:
                raise PydanticCustomError("placeholder", "SECRET_KEY looks like a placeholder; make a random one")
        return self


def load() -> Settings:
    """Reads and validates all settings. Raises InvalidSettings, whose message describes each invalid setting."""
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings(" ".join(_format_errors(error))) from None


def nest_variables(variables: Mapping[str, object]) -> dict[str, Any]:
    """Nests flat variables like the fields of Settings: DATABASE_URL becomes `{"database": {"url": ...}}`.

    Names of variables match in upper and lower case. Variables that are not settings are left out.
    """
    nested: dict[str, Any] = {}
    for name, value in variables.items():
        if name.upper() in VARIABLES:
            *groups, field = VARIABLES[name.upper()]
            group = nested
            for key in groups:
                group = group.setdefault(key, {})
            group[field] = value
    return nested


def _map_variables(model: type[BaseModel], prefix: str = "") -> dict[str, tuple[str, ...]]:
    variables: dict[str, tuple[str, ...]] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            group_prefix = prefix + "".join(mark.text for mark in field.metadata if isinstance(mark, Prefix))
            group = _map_variables(field.annotation, group_prefix)
            variables |= {variable: (name, *path) for variable, path in group.items()}
        else:
            variables[f"{prefix}{name.upper()}"] = (name,)
    return variables


VARIABLES: Final[Mapping[str, tuple[str, ...]]] = _map_variables(Settings)
"""Maps each environment variable to the path of its field in Settings: DATABASE_URL to `("database", "url")`."""


def _load_secret(settings_cls: type[BaseSettings], secret: str) -> EnvSettingsSource:
    """Reads settings from a secret of AWS Secrets Manager, a JSON object with the names of environment variables.

    Raises InvalidSettings when the secret cannot be read or is not a JSON object.
    """
    try:
        source = AWSSecretsManagerSettingsSource(settings_cls, secret, case_sensitive=False)
    except ValueError:
        raise InvalidSettings(f"The secret {secret}, which {_SECRET_VARIABLE} names, is not a JSON object.") from None
    except Exception as error:  # noqa: BLE001 - of botocore, which is installed on Lambda only
        # The message may be shown: it states the cause, such as a missing permission, but no content of the secret.
        raise InvalidSettings(
            f"The secret {secret}, which {_SECRET_VARIABLE} names, could not be read: {error}"
        ) from None
    # Drops empty values, so that the settings count as absent, as with empty variables in the environment.
    source.env_vars = {name: value for name, value in source.env_vars.items() if value}
    return source


def _format_errors(error: ValidationError) -> list[str]:
    """Returns a sentence for each invalid setting, with the name of its variable.

    Leaves out the value, which may be a secret.
    """
    sentences = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        names = [name for name, path in VARIABLES.items() if fault["loc"][: len(path)] == path]
        sentences.append(": ".join([*names, fault["msg"]]) + ".")
    return sentences
