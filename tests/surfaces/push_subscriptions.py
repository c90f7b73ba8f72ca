"""Push subscriptions of accounts, for tests that need no browser."""

from typing import Any, Final

from tests.accounts import Account

REMINDERS: Final = "/api/v1/reminders"
SUBSCRIPTIONS: Final = f"{REMINDERS}/push-subscriptions"
KEYS: Final = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
"""The keys of the example in RFC 8291."""
ENDPOINT: Final = "https://push.example.com/1"


def subscribe(account: Account, endpoint: str = ENDPOINT) -> dict[str, Any]:
    """Adds a subscription, and returns the response's JSON."""
    response = account.client.post(SUBSCRIPTIONS, json={"endpoint": endpoint, "keys": KEYS})
    assert response.status_code in {200, 201}, response.text
    created: dict[str, Any] = response.json()
    return created


def list_subscriptions(account: Account) -> list[dict[str, Any]]:
    response = account.client.get(SUBSCRIPTIONS)
    assert response.status_code == 200, response.text
    listed: list[dict[str, Any]] = response.json()
    return listed
