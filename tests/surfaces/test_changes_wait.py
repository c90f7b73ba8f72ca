"""GET /api/v1/todos/changes?wait=: requests that wait for the next change."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, TODOS, Account, problem
from tests.room import ROOM_SECONDS
from tests.serving import Surface
from tests.streams import insert_todos

CHANGES = f"{TODOS}/changes"
LONGEST_WAIT = 25
POLLS = int(os.environ.get("LIVE_POLLS", "5"))
"""The measured changes. 1,000 in the full run: `make test SUITE=live`."""
MAX_DELAY_SECONDS = 3.0
PROMPT_SECONDS = 5
"""The time for a change to arrive, also on a busy machine: less than a wait of 25 seconds."""


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as threads:
        yield threads


def poll(surface: Surface, account: Account, since: int, seconds: int = LONGEST_WAIT) -> httpx2.Response:
    """Sends a long poll on a connection of its own."""
    with surface.client() as client:
        return client.get(CHANGES, params={"since": since, "wait": seconds}, headers=account.bearer)


def assert_waits(*polls: "Future[httpx2.Response]") -> None:
    done, _ = wait(polls, timeout=0.5)
    assert not done


class TestWait:
    def test_changes_that_exist_are_returned_at_once(self, ada: Account, surface: Surface) -> None:
        ada.add()
        began = time.monotonic()
        assert [change["seq"] for change in poll(surface, ada, 0).json()] == [1]
        assert time.monotonic() - began < PROMPT_SECONDS

    def test_the_next_change_ends_the_wait(
        self, ada: Account, surface: Surface, threads: ThreadPoolExecutor, database_url: str
    ) -> None:
        ada.add()
        waiting = threads.submit(poll, surface, ada, 1)
        assert_waits(waiting)
        insert_todos(database_url, ada.user["id"])
        began = time.monotonic()
        assert [change["seq"] for change in waiting.result(ROOM_SECONDS).json()] == [2]
        assert time.monotonic() - began < PROMPT_SECONDS

    def test_each_change_arrives_within_three_seconds(
        self, ada: Account, surface: Surface, threads: ThreadPoolExecutor, database_url: str
    ) -> None:
        delays = []
        for seq in range(1, POLLS + 1):
            waiting = threads.submit(poll, surface, ada, seq - 1)
            wait([waiting], timeout=seq % 10 / 10)
            began = time.monotonic()
            insert_todos(database_url, ada.user["id"])
            assert [change["seq"] for change in waiting.result(ROOM_SECONDS).json()] == [seq]
            delays.append(time.monotonic() - began)
        assert sorted(delays)[int(0.99 * POLLS)] < MAX_DELAY_SECONDS

    def test_after_the_time_the_answer_is_empty(self, ada: Account, surface: Surface) -> None:
        began = time.monotonic()
        answered = poll(surface, ada, 0, seconds=1)
        assert (answered.status_code, answered.json()) == (200, [])
        assert time.monotonic() - began >= 1

    def test_changes_of_others_do_not_end_it(
        self, ada: Account, bob: Account, surface: Surface, threads: ThreadPoolExecutor, database_url: str
    ) -> None:
        waiting = threads.submit(poll, surface, ada, 0, seconds=2)
        insert_todos(database_url, bob.user["id"])
        assert waiting.result(ROOM_SECONDS).json() == []

    def test_a_rolled_back_change_does_not_end_it(
        self, ada: Account, surface: Surface, threads: ThreadPoolExecutor, database_url: str
    ) -> None:
        waiting = threads.submit(poll, surface, ada, 0, seconds=2)
        insert = f"""INSERT INTO todos (id, user_id, title, "order")
            VALUES (gen_random_uuid(), '{ada.user["id"]}', 'Never', 1)"""  # noqa: S608 - an id of the test
        postgres.run(database_url, f"BEGIN; {insert}; ROLLBACK")
        assert waiting.result(ROOM_SECONDS).json() == []

    def test_since_beyond_the_end_waits(self, ada: Account, surface: Surface, threads: ThreadPoolExecutor) -> None:
        ada.add()
        waiting = threads.submit(poll, surface, ada, 1000, seconds=2)
        assert_waits(waiting)
        assert waiting.result(ROOM_SECONDS).json() == []

    def test_a_session_that_ends_meanwhile_gets_no_change(
        self, ada: Account, surface: Surface, threads: ThreadPoolExecutor, database_url: str
    ) -> None:
        waiting = threads.submit(poll, surface, ada, 0)
        assert_waits(waiting)
        postgres.query(database_url, "DELETE FROM sessions WHERE user_id = $1::text::uuid", ada.user["id"])
        insert_todos(database_url, ada.user["id"])
        problem(waiting.result(ROOM_SECONDS), 401, "not_authenticated")

    @pytest.mark.parametrize("seconds", ["-1", "26", "x", "", "1.5"])
    def test_the_time_is_bounded(self, ada: Account, seconds: str) -> None:
        refused = problem(ada.client.get(CHANGES, params={"wait": seconds}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["wait"]

    def test_a_cut_log_is_a_410(self, ada: Account, surface: Surface, database_url: str) -> None:
        insert_todos(database_url, ada.user["id"], 3)
        postgres.query(
            database_url, "DELETE FROM change_log WHERE user_id = $1::text::uuid AND seq < 3", ada.user["id"]
        )
        assert problem(poll(surface, ada, 1), 410, "changes_expired")["since"] == 2


class TestLimits:
    def test_the_eleventh_wait_of_a_user_is_refused(
        self, ada: Account, bob: Account, surface: Surface, threads: ThreadPoolExecutor, database_url: str
    ) -> None:
        if surface.name in {"lambda", "emulator", "sam"}:
            pytest.skip("A Lambda function answers one request at a time")
        if surface.name == "cluster":
            pytest.skip("Each of two pods allows ten")
        waiting = [threads.submit(poll, surface, ada, 0) for _ in range(10)]
        assert_waits(*waiting)
        refused = poll(surface, ada, 0)
        assert refused.headers["retry-after"] == "5"
        problem(refused, 429, "too_many_streams")
        assert poll(surface, bob, 0, seconds=1).status_code == 200
        insert_todos(database_url, ada.user["id"])
        assert {len(each.result(ROOM_SECONDS).json()) for each in waiting} == {1}
        assert poll(surface, ada, 1, seconds=1).status_code == 200

    def test_other_requests_of_the_user_do_not_wait_for_it(
        self, ada: Account, surface: Surface, threads: ThreadPoolExecutor
    ) -> None:
        if surface.name in {"lambda", "emulator", "sam"}:
            pytest.skip("A Lambda function answers one request at a time")
        waiting = [threads.submit(poll, surface, ada, 0) for _ in range(10)]
        assert_waits(*waiting)
        began = time.monotonic()
        assert ada.client.get(f"{AUTH}/me").status_code == 200
        ada.add()
        assert time.monotonic() - began < PROMPT_SECONDS
        assert {len(each.result(ROOM_SECONDS).json()) for each in waiting} == {1}
