"""GET /api/v1/todos/changes as server-sent events, where a response ends: on Lambda, and for HEAD.

`tests/processes/test_streams.py` has the rules of streams that last.
"""

import httpx2
import pytest

from tests import postgres
from tests.accounts import TODOS, Account, problem
from tests.operations import require_valid
from tests.serving import Surface
from tests.streams import ACCEPT_EVENTS, Event, insert_todos, parse_events

CHANGES = f"{TODOS}/changes"


@pytest.fixture
def on_lambda(surface: Surface) -> None:
    if surface.name not in {"lambda", "emulator", "sam"}:
        pytest.skip("A stream ends on Lambda only")


def read_stream(account: Account, since: int = 0, last_event_id: int | None = None) -> list[Event]:
    headers = ACCEPT_EVENTS if last_event_id is None else ACCEPT_EVENTS | {"Last-Event-ID": str(last_event_id)}
    response = account.client.get(CHANGES, params={"since": since}, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = list(parse_events(response.text.split("\n")[:-1]))
    for event in (each for each in events if each.name):
        require_valid({"id": str(event.id), "event": event.name, "data": event.data}, "ChangeStreamEvent")
    return events


@pytest.mark.usefixtures("on_lambda")
class TestOnLambda:
    def test_it_has_the_changes_that_there_are_and_says_when_to_come_back(self, ada: Account) -> None:
        todo = ada.add()
        ada.add_project()
        first, *events, last = read_stream(ada)
        assert first.retry == 2000
        assert [(event.id, event.name, event.data["kind"]) for event in events] == [
            (1, "change", "todo"),
            (2, "change", "project"),
        ]
        assert events[0].data["after"] == todo
        assert last.retry is not None
        assert last.fields == {"retry"}

    def test_an_event_equals_the_change_of_the_list(self, ada: Account) -> None:
        ada.add(description="a\nb\r\nc\u2028")
        assert [event.data for event in read_stream(ada)[1:-1]] == ada.client.get(CHANGES).json()

    def test_the_last_event_id_comes_before_since(self, ada: Account, database_url: str) -> None:
        insert_todos(database_url, ada.user["id"], 4)
        assert [event.id for event in read_stream(ada, since=1, last_event_id=3)[1:-1]] == [4]
        assert [event.id for event in read_stream(ada, since=2)[1:-1]] == [3, 4]

    def test_further_changes_come_with_the_next_connection(self, ada: Account, database_url: str) -> None:
        insert_todos(database_url, ada.user["id"], 120)
        seen: list[int] = []
        while page := [event.id for event in read_stream(ada, last_event_id=seen[-1] if seen else 0)[1:-1]]:
            seen += [seq for seq in page if seq]
        assert seen == list(range(1, 121))


class TestRefusals:
    def test_without_a_session_it_is_a_401(self, client: httpx2.Client) -> None:
        problem(client.get(CHANGES, headers=ACCEPT_EVENTS), 401, "not_authenticated")

    def test_a_cut_log_is_a_410(self, ada: Account, database_url: str) -> None:
        insert_todos(database_url, ada.user["id"], 3)
        postgres.query(
            database_url, "DELETE FROM change_log WHERE user_id = $1::text::uuid AND seq < 3", ada.user["id"]
        )
        refused = ada.client.get(CHANGES, headers=ACCEPT_EVENTS | {"Last-Event-ID": "1"})
        assert problem(refused, 410, "changes_expired")["since"] == 2

    @pytest.mark.parametrize("seq", ["-1", "x", "1.5", "+1", "1.0", "1_0", "", str(2**63)])
    def test_the_last_event_id_must_be_a_sequence_number(self, ada: Account, seq: str) -> None:
        refused = ada.client.get(CHANGES, headers=ACCEPT_EVENTS | {"Last-Event-ID": seq})
        errors = problem(refused, 422, "validation_failed")["errors"]
        assert [error["field"].lower() for error in errors] == ["last-event-id"]

    def test_head_ends_at_once(self, ada: Account) -> None:
        response = ada.client.head(CHANGES, headers=ACCEPT_EVENTS)
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
