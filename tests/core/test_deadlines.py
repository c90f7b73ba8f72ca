"""The deadline of a request, and the limits that follow from it."""

from collections.abc import Callable, Iterator
from contextvars import copy_context
from math import inf
from typing import Final

import pytest

from todo_core import deadlines
from todo_core.deadlines import (
    ANSWER_SECONDS,
    INVOCATION_RESERVE_SECONDS,
    REQUEST_SECONDS,
    NotCounted,
    begin_request,
    extend,
    limit_statement,
    limit_wait,
)

START: Final = 1000.0


class Clock:
    """A monotonic clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(deadlines, "monotonic", clock)
    yield clock
    # Tests share one context. Their deadline must not hold for later ones.
    begin_request(inf, inf)


class TestWithoutRequest:
    def test_own_limits_hold(self) -> None:
        assert (limit_wait(10), limit_statement(15), extend(60)) == (10, 15, inf)

    def test_time_that_does_not_count_changes_nothing(self, clock: Clock) -> None:
        with NotCounted():
            clock.now += 5
        assert limit_wait(10) == 10


class TestRequest:
    def test_the_smaller_limit_holds(self, clock: Clock) -> None:
        begin_request(clock.now)
        assert limit_wait(10) == REQUEST_SECONDS
        assert limit_statement(15) == REQUEST_SECONDS - ANSWER_SECONDS
        assert (limit_wait(1), limit_statement(1)) == (1, 1)
        clock.now += 4
        assert limit_wait(1) == pytest.approx(REQUEST_SECONDS - 4)

    @pytest.mark.parametrize("seconds", [REQUEST_SECONDS - ANSWER_SECONDS, REQUEST_SECONDS, 100])
    def test_no_statement_begins_too_late_for_an_answer(self, clock: Clock, seconds: float) -> None:
        begin_request(clock.now)
        clock.now += seconds
        with pytest.raises(TimeoutError):
            limit_statement(15)

    def test_a_wait_after_the_end_ends_at_once(self, clock: Clock) -> None:
        begin_request(clock.now)
        clock.now += REQUEST_SECONDS + 1
        assert limit_wait(10) == 0

    def test_an_extension_counts_from_now(self, clock: Clock) -> None:
        begin_request(clock.now)
        clock.now += 2
        assert extend(20) == 20
        assert limit_wait(60) == 20

    def test_an_extension_shortens_nothing(self, clock: Clock) -> None:
        begin_request(clock.now)
        assert extend(1) == REQUEST_SECONDS
        assert extend(inf) == inf
        assert limit_statement(15) == 15

    def test_waiting_for_the_client_does_not_count(self, clock: Clock) -> None:
        begin_request(clock.now)
        with NotCounted():
            clock.now += 30
        clock.now += 1
        assert limit_wait(10) == pytest.approx(REQUEST_SECONDS - 1)

    def test_requests_have_their_own_deadlines(self, clock: Clock) -> None:
        begin_request(clock.now)
        copy_context().run(begin_request, clock.now, 3)
        assert limit_wait(10) == REQUEST_SECONDS


class TestInvocation:
    @pytest.mark.parametrize(
        "lengthen", [lambda: extend(20), lambda: extend(inf), pytest.param(NotCounted, id="NotCounted")]
    )
    def test_nothing_outlasts_the_invocation(self, clock: Clock, lengthen: Callable[[], object]) -> None:
        begin_request(clock.now, 10)
        lengthened = lengthen()
        if isinstance(lengthened, NotCounted):
            with lengthened:
                clock.now += 7
        assert limit_wait(60) <= 10 - INVOCATION_RESERVE_SECONDS - (clock.now - START)

    def test_a_request_in_a_short_invocation_has_less_time(self, clock: Clock) -> None:
        begin_request(clock.now, 3)
        assert limit_wait(10) == pytest.approx(3 - INVOCATION_RESERVE_SECONDS)

    def test_an_invocation_without_time_runs_no_statement(self, clock: Clock) -> None:
        begin_request(clock.now, 0.5)
        with pytest.raises(TimeoutError):
            limit_statement(15)
        assert extend(20) == 0
