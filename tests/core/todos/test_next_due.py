"""The columns that move a recurring todo on: occurrences that are over, postponed ones, clock changes, reminders."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.core.todos.recurrences import APIA, BERLIN, LORD_HOWE, NEW_YORK, NUUK, UTC_ZONE
from todo_core.todos.next_due import apply_changes, move_reminder, next_due_values

BEIRUT = ZoneInfo("Asia/Beirut")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)
DAILY = "FREQ=DAILY"

type Columns = dict[str, Any]


def parse(value: object) -> object:
    if not isinstance(value, str) or not value[:4].isdigit():
        return value
    return datetime.fromisoformat(value).astimezone(UTC) if "T" in value else date.fromisoformat(value)


def todo(recurrence: str = DAILY, **columns: object) -> Columns:
    empty = dict.fromkeys(("due_date", "due_at", "due_time", "reminder_at", "series"))
    counters = {"occurrences": 0, "skips": 0}
    given = {name: parse(value) for name, value in columns.items()}
    return {**empty, **counters, "recurrence": recurrence, "recurrence_from": "due", **given}


def move(
    todo: Columns, timezone: ZoneInfo = UTC_ZONE, now: datetime | str = LONG_AGO, **changes: object
) -> Columns | None:
    """Returns the todo after a completion at `now` that also changes these columns."""
    before = apply_changes(todo, {name: parse(value) for name, value in changes.items()})
    moment = now if isinstance(now, datetime) else datetime.fromisoformat(now)
    values = next_due_values(before, timezone, moment)
    return None if values is None else {**before, **values}


def moves(todo: Columns, timezone: ZoneInfo = UTC_ZONE, now: datetime | str = LONG_AGO) -> Iterator[Columns]:
    following = move(todo, timezone, now)
    while following is not None:
        yield following
        following = move(following, timezone, now)


def texts(todos: Iterator[Columns], name: str, limit: int = 2) -> list[str]:
    return [_text(each[name]) for each in islice(todos, limit)]


def _text(value: date | datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%MZ}" if isinstance(value, datetime) else value.isoformat()


class TestClockChanges:
    def test_a_reminder_in_a_skipped_hour_returns_to_its_time(self) -> None:
        # On 29 March 2026 the clocks in Beirut skip the hour after midnight.
        start = todo(due_date="2026-03-28", reminder_at="2026-03-27T22:00:00Z")

        assert texts(moves(start, BEIRUT), "reminder_at") == ["2026-03-28T22:00Z", "2026-03-29T21:00Z"]

    def test_a_reminder_in_the_skipped_hour_of_its_due_date_stays_before_it(self) -> None:
        start = todo(due_at="2026-03-28T01:45:00Z", reminder_at="2026-03-28T01:30:00Z")

        assert texts(moves(start, BERLIN), "due_at") == ["2026-03-29T01:45Z", "2026-03-30T00:45Z"]
        assert texts(moves(start, BERLIN), "reminder_at") == ["2026-03-29T01:30Z", "2026-03-30T00:30Z"]

    def test_a_reminder_that_the_gap_would_move_behind_its_due_date_comes_earlier(self) -> None:
        # 45 minutes before 03:15 in Berlin is 02:30, which the clocks skip, and 45 minutes of time before is 01:30.
        start = todo(due_at="2026-03-28T02:15:00Z", reminder_at="2026-03-28T01:30:00Z")

        assert texts(moves(start, BERLIN), "due_at") == ["2026-03-29T01:15Z", "2026-03-30T01:15Z"]
        assert texts(moves(start, BERLIN), "reminder_at") == ["2026-03-29T00:30Z", "2026-03-30T00:30Z"]

    def test_a_reminder_late_on_a_day_stays_on_its_day(self) -> None:
        # On 28 March 2026 the clocks in Nuuk skip the hour before midnight.
        start = todo(due_date="2026-03-27", reminder_at="2026-03-28T01:30:00Z")

        assert texts(moves(start, NUUK), "reminder_at") == ["2026-03-29T00:30Z", "2026-03-30T00:30Z"]

    def test_a_reminder_that_the_user_changed_on_the_day_of_a_gap_keeps_its_new_distance(self) -> None:
        start = todo(due_date="2026-03-28", reminder_at="2026-03-27T22:00:00Z")
        on_the_day = move(start, BEIRUT)
        assert on_the_day is not None

        after = move({**on_the_day, "reminder_at": parse("2026-03-29T06:00:00Z")}, BEIRUT)

        assert after is not None
        assert _text(after["reminder_at"]) == "2026-03-30T06:00Z"

    def test_a_due_date_that_a_clock_change_moved_counts_by_the_clock_of_another_zone(self) -> None:
        in_berlin = move(todo(due_at="2026-03-28T01:30:00Z"), BERLIN)
        assert in_berlin is not None
        in_new_york = move(in_berlin, NEW_YORK)

        assert _text(in_berlin["due_at"]) == "2026-03-29T01:30Z"
        assert in_new_york is not None
        assert _text(in_new_york["due_at"]) == "2026-03-30T01:30Z"

    def test_the_second_of_two_equal_times_is_followed_by_the_meant_time(self) -> None:
        start = todo("FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", due_at="2026-10-25T01:30:00Z")

        assert texts(moves(start, BERLIN), "due_at") == ["2027-03-28T01:30Z", "2027-10-31T00:30Z"]

    @pytest.mark.parametrize("zone", [BEIRUT, BERLIN, LORD_HOWE, NEW_YORK, NUUK])
    def test_after_any_clock_change_due_date_and_reminder_are_where_they_were(self, zone: ZoneInfo) -> None:
        random = Random(zone.key)  # noqa: S311 - a fixed seed, so that each run is the same
        for _ in range(150):
            day = _find_clock_change(zone, random) - timedelta(days=2)
            due = _at_some_time(day, random).replace(tzinfo=zone).astimezone(UTC)
            lead = timedelta(minutes=15 * random.randint(-8, 8))
            reminder = (due.astimezone(zone).replace(tzinfo=None) + lead).replace(tzinfo=zone).astimezone(UTC)
            start = todo(due_at=due, reminder_at=reminder)
            if _clocks(start, zone)[1] - _clocks(start, zone)[0] != lead:
                continue  # A clock change is between the two.
            passed = list(islice(moves(start, zone), 5))

            assert all(each["reminder_at"] <= each["due_at"] for each in passed if lead <= timedelta(0))
            shifted = [tuple(clock - timedelta(days=5) for clock in _clocks(passed[-1], zone))]
            assert shifted == [_clocks(start, zone)], (zone, start)


def _find_clock_change(zone: ZoneInfo, random: Random) -> datetime:
    """Returns the local midnight before a random clock change."""
    midnight = datetime(2026 + random.randint(0, 5), 1, 1)  # noqa: DTZ001 - the zone is set below
    days = [midnight + timedelta(days=number) for number in range(365)]
    return random.choice([day for day in days if _offset(day, zone) != _offset(day + timedelta(days=1), zone)])


def _offset(day: datetime, zone: ZoneInfo) -> timedelta | None:
    return day.replace(tzinfo=zone).utcoffset()


def _at_some_time(day: datetime, random: Random) -> datetime:
    return day + timedelta(minutes=15 * random.choice([random.randint(0, 16), random.randint(80, 95)]))


def _clocks(todo: Mapping[str, Any], zone: ZoneInfo) -> tuple[datetime, datetime]:
    due, reminder = (todo[name].astimezone(zone).replace(tzinfo=None) for name in ("due_at", "reminder_at"))
    return due, reminder


class TestWeeks:
    def test_a_week_without_a_day_is_on_the_weekday_of_the_start(self) -> None:
        start = todo("FREQ=YEARLY;BYWEEKNO=20", due_date="1997-05-12")

        assert texts(moves(start, now="1997-05-12T00:00:00+00:00"), "due_date", 3) == [
            "1998-05-11",
            "1999-05-17",
            "2000-05-15",
        ]

    def test_the_last_sunday_of_a_year_of_weeks_may_be_in_january(self) -> None:
        start = todo("FREQ=YEARLY;BYWEEKNO=52;BYDAY=SU", due_date="2020-12-27")

        assert texts(moves(start), "due_date", 4) == ["2022-01-02", "2023-01-01", "2023-12-31", "2024-12-29"]


class TestOverdue:
    @pytest.mark.parametrize(
        ("now", "due"),
        [
            ("2029-12-31T12:00:00+00:00", "2030-01-02"),
            ("2030-01-01T12:00:00+00:00", "2030-01-02"),
            ("2030-01-05T12:00:00+00:00", "2030-01-06"),
            # It is the 6th in Berlin.
            ("2030-01-05T23:30:00+00:00", "2030-01-07"),
        ],
    )
    def test_a_day_moves_to_the_first_one_after_today(self, now: str, due: str) -> None:
        moved = move(todo(due_date="2030-01-01"), BERLIN, now)

        assert moved is not None
        assert _text(moved["due_date"]) == due

    @pytest.mark.parametrize(
        ("now", "due"),
        [
            ("2030-01-05T07:59:59+00:00", "2030-01-05T08:00Z"),
            ("2030-01-05T08:00:00+00:00", "2030-01-06T08:00Z"),
            ("2030-07-05T07:30:00+00:00", "2030-07-06T07:00Z"),
        ],
    )
    def test_an_instant_moves_to_the_first_one_after_now(self, now: str, due: str) -> None:
        moved = move(todo(due_at="2030-01-01T08:00:00Z"), BERLIN, now)

        assert moved is not None
        assert _text(moved["due_at"]) == due

    def test_the_interval_is_kept(self) -> None:
        moved = move(todo("FREQ=WEEKLY;INTERVAL=2", due_date="2030-01-01"), now="2030-01-20T12:00:00+00:00")

        assert moved is not None
        assert _text(moved["due_date"]) == "2030-01-29"

    def test_count_includes_the_occurrences_left_out(self) -> None:
        start = todo("FREQ=DAILY;COUNT=5", due_date="2030-01-01")
        moved = move(start, now="2030-01-03T12:00:00+00:00")

        assert moved is not None
        assert (_text(moved["due_date"]), moved["recurrence"]) == ("2030-01-04", "FREQ=DAILY;COUNT=2")
        assert move(start, now="2030-01-05T12:00:00+00:00") is None

    def test_a_rule_that_has_ended_meanwhile_is_over(self) -> None:
        assert move(todo("FREQ=DAILY;UNTIL=20300103", due_date="2030-01-01"), now="2030-01-03T12:00:00+00:00") is None

    def test_an_occurrence_in_a_skipped_hour_is_later_than_now(self) -> None:
        start = todo(due_at="2026-03-20T01:30:00Z")
        # 02:30 on 29 March is 03:30 in Berlin, and now it is 03:15.
        moved = move(start, BERLIN, "2026-03-29T01:15:00+00:00")

        assert moved is not None
        assert _text(moved["due_at"]) == "2026-03-29T01:30Z"


class TestFromCompletion:
    @pytest.mark.parametrize("now", ["2030-01-05T12:00:00+00:00", "2030-01-15T12:00:00+00:00"])
    def test_the_interval_begins_on_the_day_of_the_completion(self, now: str) -> None:
        start = todo("FREQ=DAILY;INTERVAL=3", due_date="2030-01-10", recurrence_from="completion")
        moved = move(start, now=now)

        assert moved is not None
        assert moved["due_date"] == datetime.fromisoformat(now).date() + timedelta(days=3)

    def test_the_time_of_day_stays(self) -> None:
        start = todo("FREQ=DAILY;INTERVAL=3", due_at="2030-03-20T08:00:00Z", recurrence_from="completion")
        moved = move(start, BERLIN, "2030-03-29T22:30:00+00:00")

        assert moved is not None
        assert _text(moved["due_at"]) == "2030-04-01T07:00Z"

    def test_the_meant_time_of_day_returns_after_a_clock_change(self) -> None:
        start = todo(due_at="2026-03-27T01:30:00Z", recurrence_from="completion")
        on_the_day = move(start, BERLIN, "2026-03-28T12:00:00+00:00")
        assert on_the_day is not None
        after = move(on_the_day, BERLIN, "2026-03-29T12:00:00+00:00")

        assert _text(on_the_day["due_at"]) == "2026-03-29T01:30Z"
        assert after is not None
        assert _text(after["due_at"]) == "2026-03-30T00:30Z"

    def test_a_completion_on_the_day_of_a_clock_change_keeps_the_time_of_day(self) -> None:
        start = todo(due_at="2026-03-27T01:30:00Z", recurrence_from="completion")
        moved = move(start, BERLIN, "2026-03-29T12:00:00+00:00")

        assert moved is not None
        assert _text(moved["due_at"]) == "2026-03-30T00:30Z"

    def test_count_is_lower_by_one_for_each_completion(self) -> None:
        start = todo("FREQ=DAILY;COUNT=2", due_date="2030-01-01", recurrence_from="completion")
        moved = move(start, now="2030-02-01T12:00:00+00:00")

        assert moved is not None
        assert (_text(moved["due_date"]), moved["recurrence"]) == ("2030-02-02", "FREQ=DAILY;COUNT=1")

    def test_a_skip_counts_from_the_due_date(self) -> None:
        start = todo("FREQ=DAILY;INTERVAL=3", due_date="2030-01-10", recurrence_from="completion")
        values = next_due_values(start, UTC_ZONE, datetime(2030, 1, 5, tzinfo=UTC), "skipped")

        assert values is not None
        assert (values["due_date"], values["skips"]) == (date(2030, 1, 13), 1)


class TestPostponed:
    def test_the_series_goes_on_from_where_it_was(self) -> None:
        start = todo("FREQ=WEEKLY", due_date="2030-01-01")

        assert _text((move(start, due_date="2030-01-03") or {})["due_date"]) == "2030-01-08"

    def test_occurrences_before_the_postponed_one_are_left_out(self) -> None:
        moved = move(todo("FREQ=WEEKLY;COUNT=9", due_date="2030-01-01"), due_date="2030-01-10")

        assert moved is not None
        assert (_text(moved["due_date"]), moved["recurrence"]) == ("2030-01-15", "FREQ=WEEKLY;COUNT=7")

    def test_an_occurrence_that_was_brought_forward_is_not_repeated(self) -> None:
        assert _text((move(todo("FREQ=WEEKLY", due_date="2030-01-08"), due_date="2030-01-05") or {})["due_date"]) == (
            "2030-01-15"
        )

    def test_a_second_postponement_keeps_the_first_place(self) -> None:
        once = apply_changes(todo("FREQ=WEEKLY", due_date="2030-01-01"), {"due_date": date(2030, 1, 3)})

        assert _text((move(once, due_date="2030-01-04") or {})["due_date"]) == "2030-01-08"

    def test_the_reminder_keeps_its_distance_in_the_series(self) -> None:
        start = todo(due_at="2030-01-01T09:00:00Z", reminder_at="2030-01-01T08:00:00Z")
        reminders: list[Columns] = [{}, {"reminder_at": "2030-01-01T14:00:00Z"}]
        for changes in reminders:
            moved = move(start, due_at="2030-01-01T15:00:00Z", **changes)
            assert moved is not None
            assert (_text(moved["due_at"]), _text(moved["reminder_at"])) == ("2030-01-02T09:00Z", "2030-01-02T08:00Z")

    def test_a_reminder_that_only_the_postponed_one_has_keeps_its_distance(self) -> None:
        moved = move(
            todo(due_at="2030-01-01T09:00:00Z"), due_at="2030-01-01T15:00:00Z", reminder_at="2030-01-01T14:00:00Z"
        )

        assert moved is not None
        assert _text(moved["reminder_at"]) == "2030-01-02T08:00Z"

    def test_a_day_may_be_postponed_to_an_instant_and_an_instant_to_a_day(self) -> None:
        day = move(todo(due_date="2030-01-01"), due_date=None, due_at="2030-01-02T15:00:00Z")
        instant = move(todo(due_at="2030-01-01T09:00:00Z"), due_at=None, due_date="2030-01-02")

        assert day is not None
        assert (_text(day["due_date"]), day["due_at"]) == ("2030-01-03", None)
        assert instant is not None
        assert (_text(instant["due_at"]), instant["due_date"]) == ("2030-01-03T09:00Z", None)

    def test_a_rule_with_another_due_date_begins_there(self) -> None:
        start = todo("FREQ=WEEKLY", due_date="2030-01-01")

        assert _text((move(start, due_date="2030-01-03", recurrence="FREQ=WEEKLY") or {})["due_date"]) == "2030-01-10"

    def test_the_same_rule_and_due_date_change_nothing(self) -> None:
        postponed = apply_changes(todo("FREQ=WEEKLY", due_date="2030-01-01"), {"due_date": date(2030, 1, 3)})
        moved = move(postponed, due_date="2030-01-03", recurrence="FREQ=WEEKLY")

        assert moved is not None
        assert _text(moved["due_date"]) == "2030-01-08"

    def test_the_same_due_date_on_the_day_of_a_gap_keeps_the_meant_time(self) -> None:
        on_the_day = move(todo(due_at="2026-03-28T01:30:00Z"), BERLIN)
        assert on_the_day is not None
        rules: list[Columns] = [{}, {"recurrence": DAILY}]
        for changes in rules:
            after = move(on_the_day, BERLIN, due_at=on_the_day["due_at"], **changes)
            assert after is not None
            assert _text(after["due_at"]) == "2026-03-30T00:30Z"

    def test_a_place_of_an_earlier_occurrence_does_not_count(self) -> None:
        postponed = apply_changes(todo("FREQ=WEEKLY", due_date="2030-01-01"), {"due_date": date(2030, 1, 3)})
        # Code of release 0.2.0 moves the todo and keeps the place.
        moved = move({**postponed, "occurrences": 1, "due_date": date(2030, 1, 10)})

        assert moved is not None
        assert _text(moved["due_date"]) == "2030-01-17"


class TestMovedReminder:
    def test_a_reminder_that_the_gap_would_move_behind_its_due_date_comes_earlier(self) -> None:
        reminder = datetime(2026, 3, 20, 1, 30, tzinfo=UTC)
        moved = move_reminder(
            reminder, datetime(2026, 3, 20, 2, 15, tzinfo=UTC), datetime(2026, 3, 29, 1, 15, tzinfo=UTC), BERLIN
        )

        assert moved == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)

    @pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, APIA])
    def test_outside_the_years_1_to_9999_there_is_none(self, zone: ZoneInfo) -> None:
        last = datetime(9999, 12, 30, tzinfo=UTC)

        assert move_reminder(last, date(9999, 12, 1), date(9999, 12, 20), zone) is None


class TestEndsOfTheCalendar:
    @pytest.mark.parametrize("reminder", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:30:00+00:00"])
    @pytest.mark.parametrize("zone", [APIA, NEW_YORK])
    def test_a_reminder_outside_the_local_calendar_moves_or_is_cleared(self, reminder: str, zone: ZoneInfo) -> None:
        moved = move({**todo(due_date="2030-01-01"), "reminder_at": datetime.fromisoformat(reminder)}, zone)

        assert moved is not None
        assert moved["reminder_at"] is None or moved["reminder_at"].year in {1, 9999}

    @pytest.mark.parametrize("due", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:30:00+00:00"])
    @pytest.mark.parametrize("zone", [APIA, NEW_YORK])
    def test_a_due_date_outside_the_local_calendar_ends_the_rule(self, due: str, zone: ZoneInfo) -> None:
        moment = datetime.fromisoformat(due)
        for columns in ({"due_at": moment}, {"due_at": moment, "recurrence_from": "completion"}):
            moved = move(todo() | columns, zone, datetime(2026, 11, 30, tzinfo=UTC))
            assert moved is None or moved["due_at"].year == 2026

    @pytest.mark.parametrize("columns", [{"due_date": date.min, "due_at": None}, {"due_at": LAST_INSTANT}])
    def test_a_todo_may_be_postponed_to_an_end_of_the_calendar(self, columns: Columns) -> None:
        moved = move(apply_changes(todo(due_at="2030-01-01T09:00:00Z"), columns), APIA)

        assert moved is None or moved["due_at"].year == 2030

    @pytest.mark.parametrize("old", [date.min, LAST_INSTANT, FIRST_INSTANT])
    @pytest.mark.parametrize("zone", [APIA, NEW_YORK])
    def test_a_reminder_of_a_due_date_there_moves_or_is_cleared(self, old: date | datetime, zone: ZoneInfo) -> None:
        moved = move_reminder(datetime(2030, 1, 1, tzinfo=UTC), old, date(2030, 1, 2), zone)

        assert moved is None or moved.year > 2030
