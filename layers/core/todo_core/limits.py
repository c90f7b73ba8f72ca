"""Limits and quotas, each with its default. All of them are settings."""

from datetime import timedelta

from pydantic import Field

from todo_core.settings_group import SettingsGroup


class RateLimits(SettingsGroup):
    """Limits of logins, registrations, requests for a new password and mails, each within a window of time.

    An account may cause `mails_per_account` to mailboxes that it does not own yet. In the same time, it may ask for
    `webhook_tests_per_account` tests of webhooks and repeated deliveries.
    """

    failed_logins_per_account: int = Field(default=10, ge=1, le=1_000_000)
    failed_logins_per_address: int = Field(default=100, ge=1, le=1_000_000)
    logins_per_account: int = Field(default=100, ge=1, le=1_000_000)
    logins_per_address: int = Field(default=300, ge=1, le=1_000_000)
    registrations_per_address: int = Field(default=30, ge=1, le=1_000_000)
    forgotten_passwords_per_address: int = Field(default=30, ge=1, le=1_000_000)
    attempts_window_seconds: int = Field(default=15 * 60, ge=1, le=30 * 24 * 3600)
    mails_per_mailbox: int = Field(default=6, ge=1, le=1_000_000)
    mails_per_account: int = Field(default=12, ge=1, le=1_000_000)
    webhook_tests_per_account: int = Field(default=60, ge=1, le=1_000_000)
    mails_window_seconds: int = Field(default=3600, ge=1, le=30 * 24 * 3600)

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.attempts_window_seconds)

    @property
    def mails_window(self) -> timedelta:
        return timedelta(seconds=self.mails_window_seconds)


class RequestLimits(SettingsGroup):
    """Limits of requests. Each process counts for itself, by client: a user, a user's bearer tokens, or a network.

    A client may send `requests_per_minute`, all of them at once or evenly, and wait for `requests_in_flight` answers
    at a time. A process works on `requests_at_once` for all clients together. A user may have `streams_per_user`
    streams of changes, and as many requests that wait for a change.
    """

    requests_per_minute: int = Field(default=600, ge=1, le=1_000_000)
    requests_in_flight: int = Field(default=60, ge=1, le=1_000_000)
    requests_at_once: int = Field(default=100, ge=1, le=1_000_000)
    streams_per_user: int = Field(default=10, ge=1, le=1000)


class Quotas(SettingsGroup):
    """The most that one user may keep, by subject. `todos` are those outside the trash, `tags` distinct ones of theirs.

    `stored_bytes` counts todos, their change log, projects, conversations and stored responses. A login beyond
    `sessions` ends the oldest session, and a consent beyond `connections` the connection that was unused for longest.
    Every other quota refuses what exceeds it with QuotaExceeded.
    """

    todos: int = Field(default=50_000, ge=1, le=10_000_000)
    projects: int = Field(default=500, ge=1, le=100_000)
    tags: int = Field(default=1_000, ge=1, le=100_000)
    conversations: int = Field(default=1_000, ge=1, le=100_000)
    sessions: int = Field(default=100, ge=1, le=10_000)
    api_tokens: int = Field(default=50, ge=1, le=10_000)
    connections: int = Field(default=50, ge=1, le=10_000)
    passkeys: int = Field(default=20, ge=1, le=100)
    push_subscriptions: int = Field(default=20, ge=1, le=1_000)
    webhooks: int = Field(default=20, ge=1, le=1_000)
    stored_bytes: int = Field(default=256 * 1024 * 1024, ge=10_000, le=2**40)


class Retention(SettingsGroup):
    """Times for which rows are kept, in days. The purge deletes older ones."""

    change_log_days: int = Field(default=90, ge=1, le=36_500)


class TurnLimits(SettingsGroup):
    """Limits of one turn. `turn_tokens` counts prompt and completion tokens as the model reports them.

    `history_tokens` bounds the earlier turns in a prompt.
    """

    rounds: int = Field(default=8, ge=1, le=50)
    tool_calls: int = Field(default=25, ge=1, le=100)
    turn_tokens: int = Field(default=60_000, ge=100, le=10_000_000)
    history_tokens: int = Field(default=8_000, ge=0, le=10_000_000)


class DailyQuota(SettingsGroup):
    """The number of turns and of model tokens that a user may spend on one day."""

    turns: int = Field(default=500, ge=1, le=1_000_000_000)
    tokens: int = Field(default=1_000_000, ge=1, le=10**15)
