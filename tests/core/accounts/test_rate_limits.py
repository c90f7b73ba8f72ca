import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import uuid4

import pytest

from tests import postgres
from todo_core.accounts import rate_limits
from todo_core.accounts.errors import TooManyAttempts
from todo_core.database.executor import Database

pytestmark = pytest.mark.pooler

WINDOW = timedelta(minutes=10)


@pytest.fixture
def key() -> str:
    """Returns a new rate-limit key, under which no attempt was counted yet."""
    return f"test:{uuid4().hex}"


def run[Result](database_url: str, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Runs `work` with a new Database, closes the Database, and returns the result of `work`."""

    async def work_and_close() -> Result:
        db = Database(database_url)
        try:
            return await work(db)
        finally:
            await db.close()

    return asyncio.run(work_and_close())


async def count_attempt(db: Database, limits: Mapping[str, int], window: timedelta = WINDOW) -> int | None:
    """Counts one attempt under each key of `limits`. Returns the seconds to wait if it is refused, else None."""
    try:
        await rate_limits.count_attempt(db, limits, window)
    except TooManyAttempts as refusal:
        return refusal.retry_after
    return None


def count_attempts(database_url: str, limits: Mapping[str, int], *, times: int) -> list[int | None]:
    """Counts attempts one after another. Returns for each the seconds to wait, or None if it was allowed."""

    async def count_all(db: Database) -> list[int | None]:
        return [await count_attempt(db, limits) for _ in range(times)]

    return run(database_url, count_all)


def require_attempts_left(database_url: str, limits: Mapping[str, int]) -> None:
    run(database_url, lambda db: rate_limits.require_attempts_left(db, limits))


def stored_count(database_url: str, key: str) -> int | None:
    rows = postgres.query(database_url, "SELECT count FROM attempts WHERE key = $1", key)
    return rows[0]["count"] if rows else None


def end_window(database_url: str, key: str, *, seconds: float) -> None:
    """Changes the database row of a rate-limit key so that its time window ends in `seconds` from now."""
    statement = "UPDATE attempts SET expires_at = now() + $1 * interval '1 second' WHERE key = $2"
    postgres.query(database_url, statement, seconds, key)


class TestCountAttempt:
    def test_attempts_up_to_the_limit_are_allowed(self, database_url: str, key: str) -> None:
        refused = [wait is not None for wait in count_attempts(database_url, {key: 3}, times=5)]

        assert refused == [False, False, False, True, True]

    def test_the_wait_is_the_rest_of_the_window(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {key: 1}, times=1)
        end_window(database_url, key, seconds=90)

        (wait,) = count_attempts(database_url, {key: 1}, times=1)

        assert wait is not None
        assert 80 < wait <= 90

    def test_attempts_do_not_prolong_the_window(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {key: 1}, times=1)
        end_window(database_url, key, seconds=60)

        waits = count_attempts(database_url, {key: 1}, times=5)

        assert all(wait is not None and wait <= 60 for wait in waits)

    def test_an_attempt_after_the_window_begins_a_new_window(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {key: 1}, times=3)
        end_window(database_url, key, seconds=-1)

        first, second = count_attempts(database_url, {key: 1}, times=2)

        assert first is None
        assert second is not None
        assert second > WINDOW.total_seconds() - 10

    def test_every_key_is_counted(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {f"{key}:a": 10, f"{key}:b": 10}, times=2)

        assert [stored_count(database_url, f"{key}:{name}") for name in "ab"] == [2, 2]

    @pytest.mark.parametrize("limits", [(1, 9), (9, 1)])
    def test_one_key_beyond_its_limit_refuses_the_attempt(
        self, database_url: str, key: str, limits: tuple[int, int]
    ) -> None:
        limits_by_key = dict(zip((f"{key}:a", f"{key}:b"), limits, strict=True))

        first, second = count_attempts(database_url, limits_by_key, times=2)

        assert first is None
        assert second is not None

    def test_the_wait_lasts_until_all_exceeded_windows_end(self, database_url: str, key: str) -> None:
        limits = {f"{key}:a": 1, f"{key}:b": 1}
        count_attempts(database_url, limits, times=1)
        end_window(database_url, f"{key}:a", seconds=30)
        end_window(database_url, f"{key}:b", seconds=300)

        (wait,) = count_attempts(database_url, limits, times=1)

        assert wait is not None
        assert 290 < wait <= 300

    def test_the_wait_ignores_windows_of_keys_within_their_limit(self, database_url: str, key: str) -> None:
        limits = {f"{key}:a": 1, f"{key}:b": 9}
        count_attempts(database_url, limits, times=1)
        end_window(database_url, f"{key}:a", seconds=30)

        (wait,) = count_attempts(database_url, limits, times=1)

        assert wait is not None
        assert wait <= 30

    def test_the_first_attempt_under_a_key_deletes_expired_keys(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {f"{key}:old": 9, f"{key}:older": 9}, times=1)
        for name in ("old", "older"):
            end_window(database_url, f"{key}:{name}", seconds=-1)

        count_attempts(database_url, {key: 9}, times=1)

        assert stored_count(database_url, f"{key}:old") is None
        assert stored_count(database_url, f"{key}:older") is None
        assert stored_count(database_url, key) == 1

    def test_concurrent_attempts_do_not_exceed_the_limit(self, database_url: str, key: str) -> None:
        async def count_concurrently(db: Database) -> list[int | None]:
            return await asyncio.gather(*(count_attempt(db, {key: 5}) for _ in range(30)))

        assert run(database_url, count_concurrently).count(None) == 5

    def test_concurrent_attempts_under_the_same_keys_do_not_deadlock(self, database_url: str, key: str) -> None:
        # Every second call passes the keys in reverse order. Row locks taken in the passed order would deadlock.
        limits = {f"{key}:{number}": 1000 for number in range(20)}
        reversed_limits = dict(reversed(limits.items()))

        async def count_concurrently(db: Database) -> list[int | None]:
            return await asyncio.gather(
                *(count_attempt(db, order) for _ in range(50) for order in (limits, reversed_limits))
            )

        assert set(run(database_url, count_concurrently)) == {None}


class TestRequireAttemptsLeft:
    def test_attempts_are_left_until_the_limit_is_reached(self, database_url: str, key: str) -> None:
        for _ in range(2):
            count_attempts(database_url, {key: 3}, times=1)
            require_attempts_left(database_url, {key: 3})
        count_attempts(database_url, {key: 3}, times=1)

        with pytest.raises(TooManyAttempts):
            require_attempts_left(database_url, {key: 3})

    def test_it_counts_nothing(self, database_url: str, key: str) -> None:
        require_attempts_left(database_url, {key: 1})

        assert stored_count(database_url, key) is None
        assert count_attempts(database_url, {key: 1}, times=1) == [None]

    @pytest.mark.parametrize("limits", [(1, 9), (9, 1)])
    def test_one_key_that_has_reached_its_limit_refuses(
        self, database_url: str, key: str, limits: tuple[int, int]
    ) -> None:
        limits_by_key = dict(zip((f"{key}:a", f"{key}:b"), limits, strict=True))
        count_attempts(database_url, limits_by_key, times=1)

        with pytest.raises(TooManyAttempts):
            require_attempts_left(database_url, limits_by_key)

    def test_the_wait_is_the_rest_of_the_window(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {key: 1, f"{key}:other": 9}, times=1)
        end_window(database_url, key, seconds=90)

        with pytest.raises(TooManyAttempts) as refusal:
            require_attempts_left(database_url, {key: 1, f"{key}:other": 9})

        assert refusal.value.retry_after
        assert 80 < refusal.value.retry_after <= 90

    def test_attempts_are_left_after_the_window(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {key: 1}, times=1)
        end_window(database_url, key, seconds=-1)

        require_attempts_left(database_url, {key: 1})

    def test_it_waits_for_failures_that_another_transaction_is_counting(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {key: 2}, times=1)

        async def check_while_another_counts(db: Database) -> None:
            other = await postgres.connect(database_url)
            counting = other.transaction()
            await counting.start()
            await other.execute("UPDATE attempts SET count = count + 1 WHERE key = $1", key)
            checking = asyncio.create_task(rate_limits.require_attempts_left(db, {key: 2}))
            done, _ = await asyncio.wait([checking], timeout=0.2)
            await counting.commit()
            await other.close()
            assert not done
            await checking

        with pytest.raises(TooManyAttempts):
            run(database_url, check_while_another_counts)

    def test_concurrent_checks_and_attempts_do_not_deadlock(self, database_url: str, key: str) -> None:
        limits = {f"{key}:{number}": 1000 for number in range(20)}
        reversed_limits = dict(reversed(limits.items()))

        async def check_and_count(db: Database) -> None:
            checking = [
                rate_limits.require_attempts_left(db, order) for _ in range(50) for order in (limits, reversed_limits)
            ]
            counting = [
                rate_limits.count_attempt(db, order, WINDOW) for _ in range(50) for order in (limits, reversed_limits)
            ]
            await asyncio.gather(*checking, *counting)

        run(database_url, check_and_count)


class TestClearAttempts:
    def test_the_key_may_be_used_up_to_its_limit_again(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {key: 1}, times=3)

        run(database_url, lambda db: rate_limits.clear_attempts(db, [key]))

        assert count_attempts(database_url, {key: 1}, times=1) == [None]

    def test_other_keys_keep_their_counts(self, database_url: str, key: str) -> None:
        count_attempts(database_url, {key: 9, f"{key}:other": 9}, times=1)

        run(database_url, lambda db: rate_limits.clear_attempts(db, [key]))

        assert stored_count(database_url, f"{key}:other") == 1


class TestFindNetwork:
    def test_an_ipv4_address_is_returned_unchanged(self) -> None:
        assert rate_limits.find_network("203.0.113.7") == "203.0.113.7"

    def test_two_ipv4_addresses_differ(self) -> None:
        assert rate_limits.find_network("203.0.113.7") != rate_limits.find_network("203.0.113.8")

    @pytest.mark.parametrize(
        "address",
        [
            "2001:db8:1:2::",
            "2001:db8:1:2::1",
            "2001:DB8:1:2::1",
            "2001:0db8:0001:0002:0000:0000:0000:0001",
            "2001:db8:1:2:ffff:ffff:ffff:ffff",
        ],
    )
    def test_ipv6_addresses_of_one_64_network_are_equal(self, address: str) -> None:
        assert rate_limits.find_network(address) == rate_limits.find_network("2001:db8:1:2:3:4:5:6")

    @pytest.mark.parametrize("address", ["2001:db8:1:3::1", "2001:db8:2:2::1", "2001:db9:1:2::1", "::1"])
    def test_ipv6_addresses_of_different_64_networks_differ(self, address: str) -> None:
        assert rate_limits.find_network(address) != rate_limits.find_network("2001:db8:1:2::1")

    @pytest.mark.parametrize("address", ["::ffff:203.0.113.7", "::FFFF:203.0.113.7", "::ffff:cb00:7107"])
    def test_an_ipv4_mapped_ipv6_address_is_the_ipv4_address(self, address: str) -> None:
        assert rate_limits.find_network(address) == "203.0.113.7"

    def test_the_zone_of_a_link_local_address_is_ignored(self) -> None:
        assert rate_limits.find_network("fe80::1%eth0") == rate_limits.find_network("fe80::2")

    @pytest.mark.parametrize("name", ["unknown", "testclient", ""])
    def test_text_that_is_not_an_address_is_returned_unchanged(self, name: str) -> None:
        assert rate_limits.find_network(name) == name
