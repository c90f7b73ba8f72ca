"""Watches: clients of a process that wait for changes, and their limits."""

from uuid import UUID, uuid4

import pytest

from tests.core.event_loop import run_scenario, settle
from todo_core.errors import TooBusy
from todo_core.live import watchers
from todo_core.live.errors import TooManyStreams
from todo_core.live.watchers import Watch, Watchers, WatchKind

ADA, BOB = uuid4(), uuid4()


def add(waiting: Watchers, user_id: UUID = ADA, seq: int = 0, kind: WatchKind = "stream") -> Watch:
    watch = Watch(user_id, kind, seq)
    waiting.add(watch)
    return watch


class TestLimits:
    def test_a_user_has_a_few_of_each_kind(self) -> None:
        waiting = Watchers(max_per_user=2)
        first = add(waiting)
        add(waiting)
        with pytest.raises(TooManyStreams):
            add(waiting)
        add(waiting, kind="wait")
        add(waiting, BOB)
        waiting.remove(first)
        add(waiting)
        assert len(waiting) == 4

    def test_a_process_has_a_few_for_all_users(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watchers, "MAX_WATCHES", 2)
        waiting = Watchers(max_per_user=10)
        first = add(waiting)
        add(waiting, BOB)
        with pytest.raises(TooBusy):
            add(waiting, uuid4())
        waiting.remove(first)
        add(waiting, uuid4())

    def test_a_refused_watch_leaves_nothing(self) -> None:
        waiting = Watchers(max_per_user=1)
        first = add(waiting)
        for _ in range(3):
            with pytest.raises(TooManyStreams):
                add(waiting)
        waiting.remove(first)
        assert (len(waiting), waiting.user_ids) == (0, [])


class TestWaking:
    def test_all_watches_of_the_user_wake(self) -> None:
        async def scenario() -> None:
            waiting = Watchers(max_per_user=10)
            own, other = [add(waiting), add(waiting)], add(waiting, BOB)
            waiting.wake(ADA)
            waiting.wake(uuid4())
            assert [await watch.wait(0) for watch in [*own, other]] == [True, True, False]

        run_scenario(scenario)

    def test_only_watches_behind_the_latest_change_wake(self) -> None:
        async def scenario() -> None:
            waiting = Watchers(max_per_user=10)
            behind, current, ahead = (add(waiting, seq=seq) for seq in (4, 5, 6))
            waiting.wake_behind([(ADA, 5), (BOB, 9)])
            assert [await watch.wait(0) for watch in (behind, current, ahead)] == [True, False, False]

        run_scenario(scenario)

    def test_a_change_between_two_waits_is_kept(self) -> None:
        async def scenario() -> None:
            watch = add(waiting := Watchers(max_per_user=10))
            waiting.wake(ADA)
            waiting.wake(ADA)
            assert await watch.wait(0)
            assert not await watch.wait(0)
            waiting.wake(ADA)
            assert await watch.wait(10)

        run_scenario(scenario)

    def test_the_end_wakes_everybody(self) -> None:
        async def scenario() -> None:
            waiting = Watchers(max_per_user=10)
            watches = [add(waiting), add(waiting, BOB)]
            waiting.end_all()
            await settle()
            assert [await watch.wait(0) and watch.has_ended for watch in watches] == [True, True]

        run_scenario(scenario)
