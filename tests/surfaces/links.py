"""Helpers for tests of links that are mailed."""

from typing import Final
from uuid import UUID

import httpx2

from tests import postgres
from tests.accounts import AUTH, PASSWORD, Account

NEW_PASSWORD: Final = "wrong donkey charger nail"
NO_TOKEN: Final = "vC1zl5mHqVvWnKcMcTb0fAz0JtMdv8cY2pX9mS3uQkE"
"""A token that no link has."""
INVALID_TOKENS: Final = (NO_TOKEN, "x", "\ud800", "a\u0000", "a" * 100)
_ADD_CREDENTIALS: Final = (
    """
    INSERT INTO webhooks (id, user_id, url, host, secret, position, updated_at)
    VALUES (gen_random_uuid(), $1, 'https://hooks.example.com/', 'x', '', 0, now() - $2::text::interval)
    """,
    """
    INSERT INTO push_subscriptions (id, user_id, endpoint, endpoint_hash, p256dh, auth, created_at)
    VALUES (gen_random_uuid(), $1, 'https://push.example.com/x', '', '', '', now() - $2::text::interval)
    """,
    """
    INSERT INTO api_tokens (id, user_id, name, token_hash, scopes, created_at)
    VALUES (gen_random_uuid(), $1, 'x', gen_random_uuid()::text::bytea, '{chat}', now() - $2::text::interval)
    """,
    """
    INSERT INTO passkeys
        (id, user_id, credential_id, public_key, sign_count, name, transports, backed_up, created_at)
    VALUES
        (gen_random_uuid(), $1, gen_random_uuid()::text::bytea, '', 0, 'x', '{}', false, now() - $2::text::interval)
    """,
    """
    INSERT INTO totp (id, user_id, secret, created_at)
    VALUES (gen_random_uuid(), $1, '', now() - $2::text::interval)
    """,
)


def forget(client: httpx2.Client, email: str) -> httpx2.Response:
    return client.post(f"{AUTH}/password/forgot", json={"email": email})


def reset(client: httpx2.Client, token: str, password: str = NEW_PASSWORD) -> httpx2.Response:
    return client.post(f"{AUTH}/password/reset", json={"token": token, "password": password})


def verify(client: httpx2.Client, token: str) -> httpx2.Response:
    return client.post(f"{AUTH}/email/verify", json={"token": token})


def change_email(client: httpx2.Client, email: str, password: str = PASSWORD) -> httpx2.Response:
    return client.post(f"{AUTH}/email", json={"email": email, "password": password})


def take_back(client: httpx2.Client, token: str) -> httpx2.Response:
    return client.post(f"{AUTH}/email/take-back", json={"token": token})


def expire_links(database_url: str, account: Account) -> None:
    """Sets the end of all links of the account to now."""
    postgres.query(database_url, "UPDATE links SET expires_at = now() WHERE user_id = $1", UUID(account.user["id"]))


def mark_verified(database_url: str, account: Account) -> None:
    """Makes the email of the account a verified one."""
    postgres.query(database_url, "UPDATE users SET email_verified_at = now() WHERE id = $1", UUID(account.user["id"]))


def add_credentials(database_url: str, account: Account, age: str = "0 days") -> None:
    """Adds an API token, a passkey, a push subscription, a webhook and a second factor, made `age` ago."""
    user_id = UUID(account.user["id"])
    for statement in _ADD_CREDENTIALS:
        postgres.query(database_url, statement, user_id, age)
    postgres.query(database_url, "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, '')", user_id)


def count_credentials(database_url: str, account: Account) -> list[int]:
    """Returns the numbers of API tokens, passkeys, push subscriptions, webhooks, second factors and recovery codes."""
    return [
        len(postgres.query(database_url, f"SELECT FROM {table} WHERE user_id = $1", UUID(account.user["id"])))
        for table in ("api_tokens", "passkeys", "push_subscriptions", "webhooks", "totp", "recovery_codes")
    ]


def add_dead_mail(database_url: str, account: Account) -> None:
    """Adds a mail to the account that could not be delivered."""
    statement = """
        INSERT INTO outbox (id, user_id, kind, channel, payload, dead_at)
        VALUES (gen_random_uuid(), $1, 'mail', 'example.com', jsonb_build_object('to', $2::text), now())
    """
    postgres.query(database_url, statement, UUID(account.user["id"]), account.email)
