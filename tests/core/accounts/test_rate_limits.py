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
    """A key that nothing was counted under."""
    return f"test:{uuid4().hex}"


def run[Result](database_url: str, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Does some work on a database that is closed afterwards."""

    async def work_and_close() -> Result:
        db = Database(database_url)
        try:
            return await work(db)
        finally:
            await db.close()

    return asyncio.run(work_and_close())


async def outcome(db: Database, limits: Mapping[str, int], window: timedelta = WINDOW) -> int | None:
    """Counts one attempt, and gives the seconds to wait, or None when it may go on."""
    try:
        await rate_limits.count_attempt(db, limits, window)
    except TooManyAttempts as refusal:
        return refusal.retry_after
    return None


def outcomes(database_url: str, limits: Mapping[str, int], *, times: int) -> list[int | None]:
    """Counts attempts one after the other."""

    async def count_all(db: Database) -> list[int | None]:
        return [await outcome(db, limits) for _ in range(times)]

    return run(database_url, count_all)


def require_room(database_url: str, limits: Mapping[str, int]) -> None:
    run(database_url, lambda db: rate_limits.require_attempts_left(db, limits))


def counted(database_url: str, key: str) -> int | None:
    rows = postgres.query(database_url, "SELECT count FROM attempts WHERE key = $1", key)
    return rows[0]["count"] if rows else None


def end_window(database_url: str, key: str, *, seconds: float) -> None:
    """Lets the window of the key end in so many seconds."""
    statement = "UPDATE attempts SET expires_at = now() + $1 * interval '1 second' WHERE key = $2"
    postgres.query(database_url, statement, seconds, key)


class TestCount:
    def test_as_many_as_the_limit_may_go_on(self, database_url: str, key: str) -> None:
        refused = [wait is not None for wait in outcomes(database_url, {key: 3}, times=5)]

        assert refused == [False, False, False, True, True]

    def test_the_wait_is_what_is_left_of_the_window(self, database_url: str, key: str) -> None:
        outcomes(database_url, {key: 1}, times=1)
        end_window(database_url, key, seconds=90)

        (wait,) = outcomes(database_url, {key: 1}, times=1)

        assert wait is not None
        assert 80 < wait <= 90

    def test_attempts_do_not_prolong_the_window(self, database_url: str, key: str) -> None:
        outcomes(database_url, {key: 1}, times=1)
        end_window(database_url, key, seconds=60)

        waits = outcomes(database_url, {key: 1}, times=5)

        assert all(wait is not None and wait <= 60 for wait in waits)

    def test_a_window_that_is_over_begins_anew(self, database_url: str, key: str) -> None:
        outcomes(database_url, {key: 1}, times=3)
        end_window(database_url, key, seconds=-1)

        first, second = outcomes(database_url, {key: 1}, times=2)

        assert first is None
        assert second is not None
        assert second > WINDOW.total_seconds() - 10

    def test_every_key_is_counted(self, database_url: str, key: str) -> None:
        outcomes(database_url, {f"{key}:a": 10, f"{key}:b": 10}, times=2)

        assert [counted(database_url, f"{key}:{name}") for name in "ab"] == [2, 2]

    @pytest.mark.parametrize("limits", [(1, 9), (9, 1)])
    def test_one_key_beyond_its_limit_is_enough(self, database_url: str, key: str, limits: tuple[int, int]) -> None:
        of_each = dict(zip((f"{key}:a", f"{key}:b"), limits, strict=True))

        first, second = outcomes(database_url, of_each, times=2)

        assert first is None
        assert second is not None

    def test_of_several_windows_one_waits_for_the_longest(self, database_url: str, key: str) -> None:
        limits = {f"{key}:a": 1, f"{key}:b": 1}
        outcomes(database_url, limits, times=1)
        end_window(database_url, f"{key}:a", seconds=30)
        end_window(database_url, f"{key}:b", seconds=300)

        (wait,) = outcomes(database_url, limits, times=1)

        assert wait is not None
        assert 290 < wait <= 300

    def test_a_window_that_is_within_its_limit_is_not_waited_for(self, database_url: str, key: str) -> None:
        limits = {f"{key}:a": 1, f"{key}:b": 9}
        outcomes(database_url, limits, times=1)
        end_window(database_url, f"{key}:a", seconds=30)

        (wait,) = outcomes(database_url, limits, times=1)

        assert wait is not None
        assert wait <= 30

    def test_windows_that_are_over_go_with_the_first_attempt_under_another_key(
        self, database_url: str, key: str
    ) -> None:
        outcomes(database_url, {f"{key}:old": 9, f"{key}:older": 9}, times=1)
        for name in ("old", "older"):
            end_window(database_url, f"{key}:{name}", seconds=-1)

        outcomes(database_url, {key: 9}, times=1)

        assert counted(database_url, f"{key}:old") is None
        assert counted(database_url, f"{key}:older") is None
        assert counted(database_url, key) == 1

    def test_attempts_at_once_do_not_slip_past(self, database_url: str, key: str) -> None:
        async def count_at_once(db: Database) -> list[int | None]:
            return await asyncio.gather(*(outcome(db, {key: 5}) for _ in range(30)))

        assert run(database_url, count_at_once).count(None) == 5

    def test_attempts_at_once_that_share_keys_do_not_block_each_other(self, database_url: str, key: str) -> None:
        # The other way round for every second one, so that they would wait for each other's locks in a circle.
        limits = {f"{key}:{number}": 1000 for number in range(20)}
        backwards = dict(reversed(limits.items()))

        async def count_at_once(db: Database) -> list[int | None]:
            return await asyncio.gather(*(outcome(db, order) for _ in range(50) for order in (limits, backwards)))

        assert set(run(database_url, count_at_once)) == {None}


class TestRequireRoom:
    def test_there_is_room_up_to_the_limit(self, database_url: str, key: str) -> None:
        for _ in range(2):
            outcomes(database_url, {key: 3}, times=1)
            require_room(database_url, {key: 3})
        outcomes(database_url, {key: 3}, times=1)

        with pytest.raises(TooManyAttempts):
            require_room(database_url, {key: 3})

    def test_asking_counts_nothing(self, database_url: str, key: str) -> None:
        require_room(database_url, {key: 1})

        assert counted(database_url, key) is None
        assert outcomes(database_url, {key: 1}, times=1) == [None]

    @pytest.mark.parametrize("limits", [(1, 9), (9, 1)])
    def test_one_key_without_room_is_enough(self, database_url: str, key: str, limits: tuple[int, int]) -> None:
        of_each = dict(zip((f"{key}:a", f"{key}:b"), limits, strict=True))
        outcomes(database_url, of_each, times=1)

        with pytest.raises(TooManyAttempts):
            require_room(database_url, of_each)

    def test_the_wait_is_what_is_left_of_the_window(self, database_url: str, key: str) -> None:
        outcomes(database_url, {key: 1, f"{key}:other": 9}, times=1)
        end_window(database_url, key, seconds=90)

        with pytest.raises(TooManyAttempts) as refusal:
            require_room(database_url, {key: 1, f"{key}:other": 9})

        assert refusal.value.retry_after
        assert 80 < refusal.value.retry_after <= 90

    def test_a_window_that_is_over_leaves_room(self, database_url: str, key: str) -> None:
        outcomes(database_url, {key: 1}, times=1)
        end_window(database_url, key, seconds=-1)

        require_room(database_url, {key: 1})

    def test_it_waits_for_failures_that_are_being_counted(self, database_url: str, key: str) -> None:
        outcomes(database_url, {key: 2}, times=1)

        async def ask_while_another_counts(db: Database) -> None:
            other = await postgres.connect(database_url)
            counting = other.transaction()
            await counting.start()
            await other.execute("UPDATE attempts SET count = count + 1 WHERE key = $1", key)
            asking = asyncio.create_task(rate_limits.require_attempts_left(db, {key: 2}))
            done, _ = await asyncio.wait([asking], timeout=0.2)
            await counting.commit()
            await other.close()
            assert not done
            await asking

        with pytest.raises(TooManyAttempts):
            run(database_url, ask_while_another_counts)

    def test_asking_and_counting_at_once_do_not_block_each_other(self, database_url: str, key: str) -> None:
        limits = {f"{key}:{number}": 1000 for number in range(20)}
        backwards = dict(reversed(limits.items()))

        async def ask_and_count(db: Database) -> None:
            asking = [rate_limits.require_attempts_left(db, order) for _ in range(50) for order in (limits, backwards)]
            counting = [
                rate_limits.count_attempt(db, order, WINDOW) for _ in range(50) for order in (limits, backwards)
            ]
            await asyncio.gather(*asking, *counting)

        run(database_url, ask_and_count)


class TestClear:
    def test_all_attempts_are_forgotten(self, database_url: str, key: str) -> None:
        outcomes(database_url, {key: 1}, times=3)

        run(database_url, lambda db: rate_limits.clear_attempts(db, key))

        assert outcomes(database_url, {key: 1}, times=1) == [None]

    def test_other_keys_stay(self, database_url: str, key: str) -> None:
        outcomes(database_url, {key: 9, f"{key}:other": 9}, times=1)

        run(database_url, lambda db: rate_limits.clear_attempts(db, key))

        assert counted(database_url, f"{key}:other") == 1


class TestNetworkOf:
    def test_an_ipv4_address_is_itself(self) -> None:
        assert rate_limits.network_of("203.0.113.7") == "203.0.113.7"

    def test_neighbours_in_ipv4_are_two(self) -> None:
        assert rate_limits.network_of("203.0.113.7") != rate_limits.network_of("203.0.113.8")

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
    def test_addresses_of_one_64_are_one(self, address: str) -> None:
        assert rate_limits.network_of(address) == rate_limits.network_of("2001:db8:1:2:3:4:5:6")

    @pytest.mark.parametrize("address", ["2001:db8:1:3::1", "2001:db8:2:2::1", "2001:db9:1:2::1", "::1"])
    def test_another_64_is_another(self, address: str) -> None:
        assert rate_limits.network_of(address) != rate_limits.network_of("2001:db8:1:2::1")

    @pytest.mark.parametrize("address", ["::ffff:203.0.113.7", "::FFFF:203.0.113.7", "::ffff:cb00:7107"])
    def test_ipv4_written_as_ipv6_is_ipv4(self, address: str) -> None:
        assert rate_limits.network_of(address) == "203.0.113.7"

    def test_the_zone_of_a_link_local_address_makes_no_difference(self) -> None:
        assert rate_limits.network_of("fe80::1%eth0") == rate_limits.network_of("fe80::2")

    @pytest.mark.parametrize("name", ["unknown", "testclient", ""])
    def test_what_is_no_address_is_itself(self, name: str) -> None:
        assert rate_limits.network_of(name) == name
