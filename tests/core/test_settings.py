"""Settings of the service: sources, defaults, bounds, and the errors that invalid settings cause at the start."""

import traceback
from pathlib import Path
from secrets import token_hex
from uuid import UUID

import pytest

from functions.reminders.keys import make_private_key
from tests.core.variables import Environment
from tests.python_processes import run_python
from tests.settings_fields import read_setting
from todo_core.errors import InvalidSettings
from todo_core.mail_servers import MailSender, MailServer
from todo_core.settings import VARIABLES, Settings

DATABASE_URL = "postgresql://ada:hunter2@db.example.com/todos"
SECRET_KEY = "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"

SECRET_TEXT = "c0ffee"
SECRETS = {
    "DATABASE_URL": f"postgresql://ada:{SECRET_TEXT}@db.example.com/todos",
    "DATABASE_URL_UNPOOLED": f"postgresql://ada:{SECRET_TEXT}@db.example.com/todos",
    "SECRET_KEY": f"{SECRET_TEXT},{SECRET_TEXT}-that-is-long-enough-to-be-a-key",
    "MAIL_URL": f"smtp://ada:{SECRET_TEXT}@mail.example.com",
    "MAIL_FROM": "todos@example.com",
    "VAPID_PRIVATE_KEY": f"{SECRET_TEXT}{'A' * 37}",
    "VAPID_SUBJECT": "mailto:admin@example.com",
}

PLACEHOLDERS = [
    "changeme-changeme-changeme-changeme",
    "please-change-me-before-production-0123",
    "PLEASE_CHANGE_ME_BEFORE_PRODUCTION_0123",
    "change-this-to-something-random-0123456",
    "Change this to 32 characters or more!",
    "replace-me-before-production-0123456789",
    "REPLACE_THIS_BEFORE_PRODUCTION_0123456789",
    "replace.with.the.output.of.openssl.rand",
    "your_256_bit_random_string_goes_here_01",
    "your-256-bit-random-string-goes-here",
    "django-insecure-secret-key-0123456789",
    "this-is-a-placeholder-0123456789abcdef",
    "development-only-key-that-production-refuses",
    "x" * 40,
    "0123456" * 6,
    "abcdefgh" * 5,
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "qwertyuiopasdfghjklzxcvbnm1234567890",
    "aabbccddeeffgghhiijjkkllmmnnooppqqrr",
    "passwordpasswordpasswordpassword",
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "00000000-0000-0000-0000-000000000001",
]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    return Environment(monkeypatch)


@pytest.fixture
def production(environment: Environment) -> Environment:
    """Returns an Environment in which all variables that production requires are set."""
    environment.load(ENVIRONMENT="production", DATABASE_URL=DATABASE_URL, SECRET_KEY=SECRET_KEY)
    return environment


class TestDefaults:
    def test_every_variable_has_its_default(self, environment: Environment) -> None:
        settings = environment.load()

        assert {variable: read_setting(settings, variable) for variable in VARIABLES} == {
            "ENVIRONMENT": "development",
            "DATABASE_URL": None,
            "DATABASE_URL_UNPOOLED": None,
            "DATABASE_POOL_SIZE": 10,
            "READINESS_SECONDS": 40,
            "DATABASE_PREPARED_STATEMENTS": None,
            "DATA_FOLDER": Path(".data"),
            "SECRET_KEY": None,
            "SESSION_SECONDS": 7 * 24 * 3600,
            "SESSION_MAX_SECONDS": 90 * 24 * 3600,
            "SESSION_COOKIE": "auto",
            "REGISTRATION": "open",
            "REQUIRE_VERIFIED_EMAIL": False,
            "WEB_PAGE": True,
            "COOKIE_DOMAIN": None,
            "BCRYPT_ROUNDS": 12,
            "FAILED_LOGINS_PER_ACCOUNT": 10,
            "FAILED_LOGINS_PER_ADDRESS": 100,
            "LOGINS_PER_ACCOUNT": 100,
            "LOGINS_PER_ADDRESS": 300,
            "REGISTRATIONS_PER_ADDRESS": 30,
            "FORGOTTEN_PASSWORDS_PER_ADDRESS": 30,
            "ATTEMPTS_WINDOW_SECONDS": 900,
            "MAILS_PER_MAILBOX": 6,
            "MAILS_PER_ACCOUNT": 12,
            "WEBHOOK_TESTS_PER_ACCOUNT": 60,
            "MAILS_WINDOW_SECONDS": 3600,
            "REQUESTS_PER_MINUTE": 600,
            "REQUESTS_IN_FLIGHT": 60,
            "REQUESTS_AT_ONCE": 100,
            "STREAMS_PER_USER": 10,
            "QUOTA_TODOS": 50_000,
            "QUOTA_PROJECTS": 500,
            "QUOTA_TAGS": 1_000,
            "QUOTA_CONVERSATIONS": 1_000,
            "QUOTA_SESSIONS": 100,
            "QUOTA_API_TOKENS": 50,
            "QUOTA_CONNECTIONS": 50,
            "QUOTA_PASSKEYS": 20,
            "QUOTA_PUSH_SUBSCRIPTIONS": 20,
            "QUOTA_WEBHOOKS": 20,
            "QUOTA_STORED_BYTES": 268_435_456,
            "CHANGE_LOG_DAYS": 90,
            "MAIL_URL": None,
            "MAIL_FROM": None,
            "PUBLIC_URL": None,
            "FRONTEND_URL": None,
            "OUTBOX_SECONDS": 30,
            "OAUTH_ACCESS_TOKEN_SECONDS": 3600,
            "OAUTH_REFRESH_TOKEN_SECONDS": 30 * 24 * 3600,
            "OAUTH_CONNECTION_SECONDS": 90 * 24 * 3600,
            "OAUTH_REGISTRATION": True,
            "OAUTH_REGISTRATIONS_PER_ADDRESS": 60,
            "VAPID_PRIVATE_KEY": None,
            "VAPID_SUBJECT": None,
            "WEBHOOKS_ALLOW_PRIVATE": False,
            "OPENAI_API_KEY": None,
            "OPENAI_BASE_URL": None,
            "OPENAI_MODEL": "gpt-4.1-mini",
            "OPENAI_API": "auto",
            "OPENAI_REASONING_EFFORT": None,
            "OPENAI_MAX_OUTPUT_TOKENS": None,
            "OPENAI_EXTRA_BODY": None,
            "AZURE_OPENAI_ENDPOINT": None,
            "AZURE_OPENAI_API_KEY": None,
            "AZURE_OPENAI_API_VERSION": None,
            "ASSISTANT_SECONDS": 25,
            "ASSISTANT_TURNS_AT_ONCE": 4,
            "ASSISTANT_ROUNDS": 8,
            "ASSISTANT_TOOL_CALLS": 25,
            "ASSISTANT_TURN_TOKENS": 60_000,
            "ASSISTANT_HISTORY_TOKENS": 8_000,
            "ASSISTANT_DAILY_TURNS": 500,
            "ASSISTANT_DAILY_TOKENS": 1_000_000,
            "CORS_ORIGINS": None,
            "CORS_HEADERS": None,
            "ALLOWED_HOSTS": None,
            "DRAIN_SECONDS": 0,
            "MAX_BODY_BYTES": 2 * 1024 * 1024,
            "LOG_LEVEL": "INFO",
            "METRICS_HOST": "127.0.0.1",
            "METRICS_PORT": None,
        }

    def test_development_needs_no_variable(self, environment: Environment) -> None:
        settings = environment.load()

        assert not settings.in_production
        assert settings.secret_keys

    def test_an_empty_variable_counts_as_absent(self, environment: Environment) -> None:
        assert environment.load(**dict.fromkeys(VARIABLES, "")) == Settings()

    def test_an_unknown_variable_is_ignored(self, environment: Environment) -> None:
        assert environment.load(DATABASE_COLOUR="blue") == Settings()

    def test_settings_cannot_be_changed(self, environment: Environment) -> None:
        with pytest.raises(ValueError, match="frozen"):
            environment.load().environment = "production"  # type: ignore[misc]


class TestBounds:
    @pytest.mark.parametrize("name", ["ENVIRONMENT", "SESSION_COOKIE", "REGISTRATION", "OPENAI_API", "LOG_LEVEL"])
    def test_an_unknown_choice_is_refused(self, environment: Environment, name: str) -> None:
        assert name in environment.load_error(**{name: "marker"})

    @pytest.mark.parametrize("name", ["DATABASE_POOL_SIZE", "DATABASE_PREPARED_STATEMENTS", "BCRYPT_ROUNDS"])
    def test_an_unreadable_value_is_refused_and_not_repeated(self, environment: Environment, name: str) -> None:
        sentence = environment.load_error(**{name: "marker"})
        assert name in sentence
        assert "marker" not in sentence

    def test_each_invalid_variable_is_named(self, environment: Environment) -> None:
        sentences = environment.load_error(DATABASE_POOL_SIZE="0", BCRYPT_ROUNDS="99")
        assert "DATABASE_POOL_SIZE" in sentences
        assert "BCRYPT_ROUNDS" in sentences


class TestLanguageModel:
    def test_extra_fields_are_a_json_object(self, environment: Environment) -> None:
        settings = environment.load(OPENAI_EXTRA_BODY='{"temperature": 0, "thinking": {"type": "disabled"}}')
        assert settings.openai.extra_body == {"temperature": 0, "thinking": {"type": "disabled"}}

    @pytest.mark.parametrize("text", ["marker", "[1]", '"a"', "{marker: 1}", "[" * 5000])
    def test_other_extra_fields_are_refused_and_not_repeated(self, environment: Environment, text: str) -> None:
        sentence = environment.load_error(OPENAI_EXTRA_BODY=text)
        assert sentence == 'OPENAI_EXTRA_BODY: must be a JSON object such as {"temperature": 0}.'

    def test_extra_fields_must_not_replace_those_of_the_assistant(self, environment: Environment) -> None:
        sentence = environment.load_error(OPENAI_EXTRA_BODY='{"tools": [], "stream": false}')
        assert sentence == "OPENAI_EXTRA_BODY: must not set stream, tools, which the assistant sets itself."

    @pytest.mark.parametrize("effort", ["High", "very high", "a" * 21])
    def test_an_effort_is_one_lower_case_word(self, environment: Environment, effort: str) -> None:
        assert environment.load(OPENAI_REASONING_EFFORT="xhigh").openai.reasoning_effort == "xhigh"
        assert "OPENAI_REASONING_EFFORT" in environment.load_error(OPENAI_REASONING_EFFORT=effort)

    def test_azure_needs_an_endpoint_and_a_key(self, environment: Environment) -> None:
        sentence = "AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY belong together."
        assert environment.load_error(AZURE_OPENAI_API_KEY="secret") == sentence
        assert (
            environment.load_error(AZURE_OPENAI_API_KEY="", AZURE_OPENAI_ENDPOINT="https://a.example.com") == sentence
        )

    def test_azure_excludes_another_endpoint(self, environment: Environment) -> None:
        url = "https://a.example.com"
        variables = {"AZURE_OPENAI_ENDPOINT": url, "AZURE_OPENAI_API_KEY": "secret"}
        assert environment.load(**variables).has_language_model
        assert environment.load_error(OPENAI_BASE_URL=url) == "set either AZURE_OPENAI_ENDPOINT or OPENAI_BASE_URL."


class TestWebhooks:
    def test_private_receivers_are_for_development(self, environment: Environment) -> None:
        assert environment.load(WEBHOOKS_ALLOW_PRIVATE="true").webhooks.allow_private
        sentence = environment.load_error(
            ENVIRONMENT="production", DATABASE_URL=DATABASE_URL, SECRET_KEY=SECRET_KEY, WEBHOOKS_ALLOW_PRIVATE="true"
        )
        assert sentence == "WEBHOOKS_ALLOW_PRIVATE is for development, not for production."


class TestPush:
    KEY = make_private_key()

    def test_it_has_a_key_and_a_contact(self, environment: Environment) -> None:
        for subject in ("mailto:admin@example.com", "https://example.com"):
            assert environment.load(VAPID_PRIVATE_KEY=self.KEY, VAPID_SUBJECT=subject).can_push

    def test_without_a_key_there_is_none(self, environment: Environment) -> None:
        assert not environment.load().can_push

    @pytest.mark.parametrize("name", ["VAPID_PRIVATE_KEY", "VAPID_SUBJECT"])
    def test_key_and_contact_belong_together(self, environment: Environment, name: str) -> None:
        both = {"VAPID_PRIVATE_KEY": self.KEY, "VAPID_SUBJECT": "mailto:admin@example.com"}
        sentence = environment.load_error(**both | {name: ""})
        assert sentence == "VAPID_PRIVATE_KEY and VAPID_SUBJECT belong together."

    @pytest.mark.parametrize(
        "key", ["x", "ü" * 43, "A" * 43, "_" * 43, "A" * 42, f"{'A' * 86}E", "-----BEGIN EC PRIVATE KEY-----"]
    )
    def test_other_keys_are_refused_and_not_repeated(self, environment: Environment, key: str) -> None:
        sentence = environment.load_error(VAPID_PRIVATE_KEY=key, VAPID_SUBJECT="mailto:admin@example.com")
        assert sentence == "VAPID_PRIVATE_KEY: must be 32 bytes in base64url; make one with functions.reminders.keys."

    @pytest.mark.parametrize("subject", ["admin@example.com", "mailto:admin", "http://example.com", "https://a/b"])
    def test_other_contacts_are_refused(self, environment: Environment, subject: str) -> None:
        assert "VAPID_SUBJECT: must be like" in environment.load_error(
            VAPID_PRIVATE_KEY=self.KEY, VAPID_SUBJECT=subject
        )

    @pytest.mark.parametrize(
        ("front_end", "url"),
        [("", None), ("https://app.example.com", f"https://app.example.com/todos/{UUID(int=1)}")],
    )
    def test_a_todo_has_a_page_in_the_front_end(
        self, environment: Environment, front_end: str, url: str | None
    ) -> None:
        assert environment.load(FRONTEND_URL=front_end).build_todo_url(UUID(int=1)) == url


class TestMail:
    def test_it_has_a_server_and_a_sender(self, environment: Environment) -> None:
        settings = environment.load(MAIL_URL="smtps://ada:hunter2@mail.example.com", MAIL_FROM="Todos <t@example.com>")

        assert settings.mail.server == MailServer("mail.example.com", 465, "tls", "ada", "hunter2")
        assert settings.mail.sender == MailSender("Todos", "t@example.com")

    def test_a_server_needs_a_sender(self, environment: Environment) -> None:
        assert environment.load_error(MAIL_URL="smtp://mail") == (
            "MAIL_URL needs MAIL_FROM, the address from which mails come."
        )

    def test_development_writes_files_without_a_server(self, environment: Environment) -> None:
        settings = environment.load()
        assert settings.can_send_mail
        assert settings.mail.server is None

    def test_production_cannot_send_without_a_server(self, production: Environment) -> None:
        settings = production.load(DATABASE_URL=DATABASE_URL, SECRET_KEY=SECRET_KEY)
        assert not settings.can_send_mail

    @pytest.mark.parametrize(
        ("given", "base"),
        [
            ({}, "http://localhost:8000"),
            ({"PORT": "9000"}, "http://localhost:9000"),
            ({"PUBLIC_URL": "https://api.example.com/"}, "https://api.example.com"),
            ({"PUBLIC_URL": "https://example.com/todos", "PORT": "9000"}, "https://example.com/todos"),
            (
                {"PUBLIC_URL": "https://api.example.com", "FRONTEND_URL": "https://app.example.com"},
                "https://app.example.com",
            ),
        ],
    )
    def test_links_lead_to_the_front_end_or_to_this_service(
        self, environment: Environment, given: dict[str, str], base: str
    ) -> None:
        assert environment.load(**given).link_base == base

    def test_production_must_say_where_links_lead(self, production: Environment) -> None:
        settings = production.load(DATABASE_URL=DATABASE_URL, SECRET_KEY=SECRET_KEY)
        with pytest.raises(InvalidSettings, match=r"^PUBLIC_URL or FRONTEND_URL must be set in production"):
            _ = settings.link_base


class TestDotEnv:
    PRINT = (
        "from todo_core.settings import load; s = load(); print(s.environment, s.secret_keys, s.database.display_name)"
    )

    def test_the_file_is_read_from_the_working_directory(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text(f"# a comment\nSECRET_KEY=one,two\nDATABASE_URL='{DATABASE_URL}'\nOTHER=x\n")
        assert run_python("-c", self.PRINT, folder=tmp_path).stdout == (
            "development ['one', 'two'] todos at db.example.com\n"
        )

    def test_the_environment_takes_precedence(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("SECRET_KEY=of-the-file\n")
        shown = run_python("-c", self.PRINT, folder=tmp_path, SECRET_KEY="of-the-environment")
        assert shown.stdout == "development ['of-the-environment'] None\n"

    def test_a_name_without_a_value_counts_as_absent(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("ENVIRONMENT\nBCRYPT_ROUNDS\nSECRET_KEY=one\n")
        assert run_python("-c", self.PRINT, folder=tmp_path).stdout == "development ['one'] None\n"


class TestProduction:
    def test_it_needs_a_database_and_a_key(self, production: Environment) -> None:
        assert production.load().in_production

    def test_a_missing_url_is_named_in_one_sentence(self, production: Environment) -> None:
        assert production.load_error(DATABASE_URL="") == "DATABASE_URL must be set in production."

    @pytest.mark.parametrize("absent", ["", " , ,"], ids=["empty", "commas"])
    def test_a_missing_key_is_refused_where_keys_are_used(self, production: Environment, absent: str) -> None:
        """Migrations and the purge start without a key."""
        settings = production.load(SECRET_KEY=absent)

        with pytest.raises(InvalidSettings, match=r"^SECRET_KEY must be set in production\.$"):
            _ = settings.secret_keys

    def test_a_short_key_is_refused(self, production: Environment) -> None:
        assert production.load_error(SECRET_KEY=SECRET_KEY[:31]) == "SECRET_KEY must have at least 32 characters."

    @pytest.mark.parametrize("key", PLACEHOLDERS)
    def test_a_placeholder_is_refused(self, production: Environment, key: str) -> None:
        assert production.load_error(SECRET_KEY=key) == "SECRET_KEY looks like a placeholder; make a random one."

    @pytest.mark.parametrize("size", [16, 24, 32])
    def test_a_random_key_is_accepted(self, production: Environment, size: int) -> None:
        for _ in range(200):
            key = token_hex(size)
            assert production.load(SECRET_KEY=key).secret_keys == [key]

    def test_each_of_several_keys_is_checked(self, production: Environment) -> None:
        assert "at least 32" in production.load_error(SECRET_KEY=f"{SECRET_KEY},short")
        assert "placeholder" in production.load_error(SECRET_KEY=f"{SECRET_KEY},{PLACEHOLDERS[0]}")

    def test_no_origin_is_allowed_by_default(self, production: Environment) -> None:
        assert production.load().allowed_origins == ()


class TestSecretKey:
    def test_several_keys_are_separated_by_commas(self, environment: Environment) -> None:
        assert environment.load(SECRET_KEY=" new , old,older ").secret_keys == ["new", "old", "older"]

    def test_empty_keys_between_commas_are_ignored(self, environment: Environment) -> None:
        assert environment.load(SECRET_KEY="new,,old,").secret_keys == ["new", "old"]

    def test_commas_without_a_key_leave_the_development_key(self, environment: Environment) -> None:
        by_default = environment.load().secret_keys
        assert by_default
        assert environment.load(SECRET_KEY=",").secret_keys == by_default

    @pytest.mark.parametrize("key", ["short", "changeme"])
    def test_development_accepts_any_key(self, environment: Environment, key: str) -> None:
        assert environment.load(SECRET_KEY=key).secret_keys == [key]


class TestDatabaseUrl:
    @pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_UNPOOLED"])
    def test_an_unusable_url_is_refused(self, environment: Environment, name: str) -> None:
        sentence = environment.load_error(**{name: "mysql://ada:hunter2@db.example.com/todos"})
        assert sentence == f"{name}: cannot be used: it must begin with postgresql://."

    def test_its_place_has_no_credentials(self, environment: Environment) -> None:
        assert environment.load(DATABASE_URL=DATABASE_URL).database.display_name == "todos at db.example.com"

    def test_a_missing_url_is_an_error_when_it_is_needed(self, environment: Environment) -> None:
        with pytest.raises(InvalidSettings, match=r"^DATABASE_URL must be set\.$"):
            assert environment.load().database.connection_url

    def test_migrations_use_the_unpooled_url(self, environment: Environment) -> None:
        settings = environment.load(DATABASE_URL=DATABASE_URL, DATABASE_URL_UNPOOLED=f"{DATABASE_URL}_direct")
        assert settings.database.connection_url == DATABASE_URL
        assert settings.database.migration_url == f"{DATABASE_URL}_direct"

    @pytest.mark.parametrize(
        ("direct", "setting", "prepared"),
        [
            ("", "", None),
            (DATABASE_URL, "", None),
            (DATABASE_URL.replace("todos", "other"), "", None),
            (DATABASE_URL.replace("db.", "direct."), "", False),
            (DATABASE_URL.replace("example.com", "example.com:6432"), "", False),
            (DATABASE_URL.replace("db.", "direct."), "true", True),
            ("", "false", False),
        ],
    )
    def test_an_unpooled_url_to_another_server_turns_prepared_statements_off(
        self, environment: Environment, direct: str, setting: str, *, prepared: bool | None
    ) -> None:
        settings = environment.load(
            DATABASE_URL=DATABASE_URL, DATABASE_URL_UNPOOLED=direct, DATABASE_PREPARED_STATEMENTS=setting
        )
        assert settings.database.keeps_prepared_statements is prepared

    def test_migrations_use_the_only_url(self, environment: Environment) -> None:
        assert environment.load(DATABASE_URL=DATABASE_URL).database.migration_url == DATABASE_URL


class TestSecretsAreHidden:
    def test_in_the_repr(self, environment: Environment) -> None:
        settings = environment.load(**SECRETS)
        for shown in (repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()):
            assert SECRET_TEXT not in shown

    @pytest.mark.parametrize(
        "wrong", ["ENVIRONMENT", "LOG_LEVEL", "CORS_ORIGINS", "DATABASE_URL", "MAIL_URL", "BCRYPT_ROUNDS"]
    )
    def test_in_the_error_and_its_causes(self, environment: Environment, wrong: str) -> None:
        with pytest.raises(InvalidSettings) as refused:
            environment.load(**{**SECRETS, wrong: f"{SECRET_TEXT}://{SECRET_TEXT}:{SECRET_TEXT}@{SECRET_TEXT}"})
        assert SECRET_TEXT not in all_text_of(refused.value)

    def test_in_the_error_of_a_refused_key(self, environment: Environment) -> None:
        with pytest.raises(InvalidSettings) as refused:
            environment.load(**SECRETS, ENVIRONMENT="production")
        assert SECRET_TEXT not in all_text_of(refused.value)


def all_text_of(error: BaseException | None) -> str:
    """Returns the message, repr and traceback of an error and its causes, to search them for secrets."""
    if error is None:
        return ""
    own = [str(error), repr(error), *traceback.format_exception(error)]
    return "".join(own) + all_text_of(error.__cause__) + all_text_of(error.__context__)
