"""GET and PUT /api/v1/reminders/channels."""

from typing import Any, Final

import pytest

from tests.accounts import Account, problem
from tests.surfaces.push_subscriptions import REMINDERS

CHANNELS: Final = f"{REMINDERS}/channels"
DEFAULTS: Final = {"mail": True, "push": True, "webhook": True, "quiet_hours": None}
NIGHT: Final = {"start": "22:00", "end": "07:00"}


def put(account: Account, **fields: object) -> Any:
    return account.client.put(CHANNELS, json=DEFAULTS | fields)


class TestRead:
    def test_all_are_on_before_the_user_chooses(self, ada: Account) -> None:
        response = ada.client.get(CHANNELS)

        assert response.status_code == 200
        assert response.json() == DEFAULTS
        assert response.headers["cache-control"] == "no-store"

    def test_it_returns_what_was_stored(self, ada: Account, bob: Account) -> None:
        chosen = {"mail": False, "push": True, "webhook": False, "quiet_hours": NIGHT}
        assert put(ada, **chosen).json() == chosen

        assert ada.client.get(CHANNELS).json() == chosen
        assert bob.client.get(CHANNELS).json() == DEFAULTS


class TestReplace:
    def test_the_last_one_holds(self, ada: Account) -> None:
        put(ada, mail=False, quiet_hours=NIGHT)
        put(ada, push=False)

        assert ada.client.get(CHANNELS).json() == DEFAULTS | {"push": False}

    def test_a_response_of_get_is_a_valid_body(self, ada: Account) -> None:
        put(ada, quiet_hours={"start": "00:00", "end": "23:59"})

        assert ada.client.put(CHANNELS, json=ada.client.get(CHANNELS).json()).status_code == 200

    @pytest.mark.parametrize(
        "fields",
        [
            {"mail": None},
            {"mail": "true"},
            {"push": 1},
            {"sms": True},
            {"quiet_hours": {}},
            {"quiet_hours": {"start": "22:00"}},
            {"quiet_hours": {"start": "24:00", "end": "07:00"}},
            {"quiet_hours": {"start": "9:00", "end": "07:00"}},
            {"quiet_hours": {"start": "22:00:00", "end": "07:00"}},
            {"quiet_hours": {"start": "22:00\n", "end": "07:00"}},
            {"quiet_hours": {"start": 22, "end": 7}},
            {"quiet_hours": {"start": "٢٢:٠٠", "end": "07:00"}},
            {"quiet_hours": {"start": "07:00", "end": "07:00"}},
            {"quiet_hours": NIGHT | {"timezone": "UTC"}},
        ],
    )
    def test_other_values_are_refused(self, ada: Account, fields: dict[str, object]) -> None:
        problem(put(ada, **fields), 422, "validation_failed")
        assert ada.client.get(CHANNELS).json() == DEFAULTS

    @pytest.mark.parametrize("name", ["mail", "push", "webhook", "quiet_hours"])
    def test_each_field_is_required(self, ada: Account, name: str) -> None:
        body = {field: value for field, value in DEFAULTS.items() if field != name}

        problem(ada.client.put(CHANNELS, json=body), 422, "validation_failed")

    def test_a_foreign_page_may_not_change_them(self, ada: Account) -> None:
        response = ada.client.put(CHANNELS, json=DEFAULTS, headers={"Origin": "https://evil.example.com"})

        problem(response, 403, "cross_origin")
