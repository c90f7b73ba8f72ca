"""The next occurrences of recurrence rules: on days, across clock changes, and up to the end of a rule."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from tests.core.todos.recurrences import APIA, BERLIN, LORD_HOWE, NEW_YORK, NUUK, UTC_ZONE, occurrences
from todo_core.todos.recurrence import Occurrence, depends_on_start, ever_recurs, next_occurrence


def days(rule: str, due: str, limit: int = 4, timezone: ZoneInfo = UTC_ZONE) -> list[str]:
    following = islice(occurrences(rule, date.fromisoformat(due), timezone), limit)
    return [occurrence.due.isoformat() for occurrence in following]


def local_times(rule: str, due: str, timezone: ZoneInfo, limit: int = 3) -> list[str]:
    """Returns the first `limit` occurrences after a due time in the time zone, formatted as local times."""
    first = datetime.fromisoformat(due).replace(tzinfo=timezone).astimezone(UTC)
    found = []
    for occurrence in islice(occurrences(rule, first, timezone), limit):
        assert isinstance(occurrence.due, datetime)
        assert occurrence.due.tzinfo is UTC
        found.append(f"{occurrence.due.astimezone(timezone):%Y-%m-%d %H:%M}")
    return found


class TestOnDays:
    def test_every_day(self) -> None:
        assert days("FREQ=DAILY", "2028-02-28") == ["2028-02-29", "2028-03-01", "2028-03-02", "2028-03-03"]

    def test_every_third_day(self) -> None:
        assert days("FREQ=DAILY;INTERVAL=3", "2026-12-30", 2) == ["2027-01-02", "2027-01-05"]

    def test_every_weekday(self) -> None:
        workdays = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"

        assert days(workdays, "2026-11-26") == ["2026-11-27", "2026-11-30", "2026-12-01", "2026-12-02"]
        assert days("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "2026-11-26") == days(workdays, "2026-11-26")

    def test_every_week_is_on_the_weekday_of_the_due_date(self) -> None:
        assert days("FREQ=WEEKLY", "2026-11-25", 2) == ["2026-12-02", "2026-12-09"]

    def test_every_other_week_on_two_days(self) -> None:
        rule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH"

        assert days(rule, "2026-11-23") == ["2026-11-26", "2026-12-07", "2026-12-10", "2026-12-21"]

    def test_wkst_sets_the_first_day_of_the_week(self) -> None:
        # RFC 5545 has this example, in which the first day of the week (WKST) changes the occurrences.
        rule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU"

        assert days(rule, "1997-08-05", 3) == ["1997-08-10", "1997-08-19", "1997-08-24"]
        assert days(f"{rule};WKST=SU", "1997-08-05", 3) == ["1997-08-17", "1997-08-19", "1997-08-31"]

    def test_the_second_tuesday_of_the_month(self) -> None:
        assert days("FREQ=MONTHLY;BYDAY=2TU", "2026-11-10", 3) == ["2026-12-08", "2027-01-12", "2027-02-09"]

    def test_the_last_friday_of_the_month(self) -> None:
        assert days("FREQ=MONTHLY;BYDAY=-1FR", "2026-11-27", 3) == ["2026-12-25", "2027-01-29", "2027-02-26"]

    def test_the_last_day_of_the_month(self) -> None:
        assert days("FREQ=MONTHLY;BYMONTHDAY=-1", "2027-12-31", 3) == ["2028-01-31", "2028-02-29", "2028-03-31"]

    def test_the_last_working_day_of_the_month(self) -> None:
        rule = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"

        assert days(rule, "2026-11-30", 3) == ["2026-12-31", "2027-01-29", "2027-02-26"]

    def test_months_without_the_day_are_skipped(self) -> None:
        assert days("FREQ=MONTHLY", "2026-12-31", 3) == ["2027-01-31", "2027-03-31", "2027-05-31"]
        assert days("FREQ=MONTHLY;BYMONTHDAY=31", "2026-12-31", 3) == ["2027-01-31", "2027-03-31", "2027-05-31"]

    def test_every_third_month(self) -> None:
        assert days("FREQ=MONTHLY;INTERVAL=3", "2026-11-15", 3) == ["2027-02-15", "2027-05-15", "2027-08-15"]

    def test_every_year(self) -> None:
        assert days("FREQ=YEARLY", "2026-01-03", 2) == ["2027-01-03", "2028-01-03"]
        assert days("FREQ=YEARLY;BYMONTH=6,1", "2026-01-03", 2) == ["2026-06-03", "2027-01-03"]

    def test_the_29th_of_february_occurs_only_in_leap_years(self) -> None:
        assert days("FREQ=YEARLY", "2096-02-29", 2) == ["2104-02-29", "2108-02-29"]

    def test_weeks_and_days_of_the_year(self) -> None:
        assert days("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "2026-01-01", 2) == ["2026-12-28", "2032-12-27"]
        assert days("FREQ=YEARLY;BYYEARDAY=100,-1", "2026-11-25", 3) == ["2026-12-31", "2027-04-10", "2027-12-31"]

    def test_a_week_without_a_day_is_on_the_weekday_of_the_due_date(self) -> None:
        assert days("FREQ=YEARLY;BYWEEKNO=20", "1997-05-12", 2) == ["1998-05-11", "1999-05-17"]

    def test_weeks_belong_to_the_year_with_most_of_their_days(self) -> None:
        assert days("FREQ=YEARLY;BYWEEKNO=52;BYDAY=SU", "2020-12-27", 2) == ["2022-01-02", "2023-01-01"]
        assert days("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2024-01-01", 2) == ["2024-12-30", "2025-12-29"]
        assert days("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO,SU", "2020-12-28", 3) == [
            *("2021-01-03", "2021-12-27", "2022-01-02"),
        ]
        assert days("FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO", "2024-12-30", 2) == ["2027-01-04", "2029-01-01"]

    def test_a_week_may_be_limited_to_months(self) -> None:
        assert days("FREQ=WEEKLY;BYMONTH=6;BYDAY=MO,TU", "2026-06-29", 3) == ["2026-06-30", "2027-06-01", "2027-06-07"]

    def test_a_position_counts_the_days_of_a_week_that_are_in_the_months(self) -> None:
        # The first week of July 2026 begins on 29 June.
        rule = "FREQ=WEEKLY;BYMONTH=7;BYDAY=MO,WE,FR;BYSETPOS=1"

        assert days(rule, "2026-06-15", 3) == ["2026-07-01", "2026-07-06", "2026-07-13"]
        assert days("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1", "2026-11-23", 2) == ["2026-11-27", "2026-12-04"]

    def test_days_may_be_limited_to_weekdays_months_and_days_of_the_month(self) -> None:
        assert days("FREQ=DAILY;INTERVAL=2;BYDAY=MO,TU", "2026-11-23", 3) == ["2026-12-01", "2026-12-07", "2026-12-15"]
        assert days("FREQ=DAILY;BYMONTHDAY=13;BYDAY=FR", "2026-01-01", 3) == ["2026-02-13", "2026-03-13", "2026-11-13"]
        assert days("FREQ=DAILY;BYMONTH=1", "2026-01-30", 2) == ["2026-01-31", "2027-01-01"]

    def test_intervals_may_be_longer_than_a_lifetime(self) -> None:
        assert days("FREQ=DAILY;INTERVAL=999999", "2026-01-01") == ["4763-11-28", "7501-10-24"]
        assert days("FREQ=YEARLY;INTERVAL=9999", "2026-01-01") == []

    def test_the_due_date_need_not_match_the_rule(self) -> None:
        assert days("FREQ=WEEKLY;BYDAY=MO", "2026-11-25", 2) == ["2026-11-30", "2026-12-07"]

    def test_a_rule_whose_interval_skips_every_match_ends(self) -> None:
        assert days("FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", "2026-11-25") == []
        assert days("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "2027-11-25") == []

    def test_a_rule_ends_at_the_last_day_of_the_calendar(self) -> None:
        assert days("FREQ=DAILY", "9999-12-29") == ["9999-12-30"]
        for rule in (
            "FREQ=DAILY",
            "FREQ=DAILY;INTERVAL=999",
            "FREQ=WEEKLY;BYDAY=MO,FR,SU",
            "FREQ=MONTHLY;BYMONTHDAY=31",
        ):
            assert days(rule, "9999-12-30") == []
        assert days("FREQ=YEARLY;BYWEEKNO=52,1;BYDAY=FR,SU", "9999-12-30") == []

    @pytest.mark.parametrize("timezone", [BERLIN, NEW_YORK, APIA])
    def test_a_rule_may_start_at_the_first_day_of_the_calendar(self, timezone: ZoneInfo) -> None:
        assert days("FREQ=YEARLY", "0001-01-02", 1, timezone) == ["0002-01-02"]


class TestEverRecurs:
    @pytest.mark.parametrize(
        ("rule", "due", "recurs"),
        [
            ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", "2026-11-25", False),
            ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", "2026-02-25", True),
            ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "2027-11-25", False),
            ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "2028-02-29", True),
            ("FREQ=MONTHLY;BYMONTH=2", "2026-01-30", False),
            ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "2026-11-23", False),
            ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "2026-11-23", True),
            ("FREQ=YEARLY;BYMONTH=12;BYWEEKNO=1", "2026-11-28", False),
            ("FREQ=YEARLY;BYMONTH=12;BYWEEKNO=1", "2026-11-23", True),
            # The end of the calendar is no fault of the rule.
            ("FREQ=DAILY", "9999-12-30", True),
            ("FREQ=DAILY;UNTIL=20200101", "2026-11-25", True),
        ],
    )
    def test_a_rule_may_never_come_after_some_due_dates(self, rule: str, due: str, *, recurs: bool) -> None:
        assert ever_recurs(rule, date.fromisoformat(due), UTC_ZONE) is recurs

    @pytest.mark.parametrize(
        "rule", ["FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO"]
    )
    def test_most_rules_come_after_any_due_date(self, rule: str) -> None:
        assert not depends_on_start(rule)

    @pytest.mark.parametrize(
        "rule",
        ["FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30", "FREQ=MONTHLY;BYMONTH=2", "FREQ=YEARLY;BYMONTH=12;BYWEEKNO=1"],
    )
    def test_some_rules_depend_on_the_due_date(self, rule: str) -> None:
        assert depends_on_start(rule)

    def test_the_day_of_an_instant_is_that_of_the_time_zone(self) -> None:
        due = datetime(2026, 11, 24, 3, tzinfo=UTC)

        assert ever_recurs("FREQ=DAILY;INTERVAL=7;BYDAY=MO", due, NEW_YORK)
        assert not ever_recurs("FREQ=DAILY;INTERVAL=7;BYDAY=MO", due, UTC_ZONE)


class TestEndOfARule:
    def test_count_includes_the_due_date(self) -> None:
        following = list(occurrences("FREQ=DAILY;COUNT=3", date(2026, 11, 25)))

        assert [occurrence.due for occurrence in following] == [date(2026, 11, 26), date(2026, 11, 27)]
        assert [occurrence.rule for occurrence in following] == ["FREQ=DAILY;COUNT=2", "FREQ=DAILY;COUNT=1"]

    @pytest.mark.parametrize("rule", ["FREQ=WEEKLY;UNTIL=20261209;BYDAY=WE", "FREQ=MONTHLY;UNTIL=20261209;BYDAY=WE"])
    def test_until_a_day_includes_that_day(self, rule: str) -> None:
        assert days(rule, "2026-11-25") == ["2026-12-02", "2026-12-09"]

    def test_until_a_day_means_a_day_in_the_time_zone(self) -> None:
        # 22:00 on the 9th in New York is the 10th in UTC. The rule ends after the 9th in New York.
        found = local_times("FREQ=DAILY;UNTIL=20261209", "2026-12-07T22:00", NEW_YORK)

        assert found == ["2026-12-08 22:00", "2026-12-09 22:00"]

    def test_until_an_instant_includes_that_instant(self) -> None:
        found = local_times("FREQ=DAILY;UNTIL=20261209T080000Z", "2026-12-07T09:00", BERLIN)

        assert found == ["2026-12-08 09:00", "2026-12-09 09:00"]
        assert local_times("FREQ=DAILY;UNTIL=20261209T075959Z", "2026-12-07T09:00", BERLIN) == ["2026-12-08 09:00"]

    def test_until_an_instant_ends_all_day_todos_on_its_day_in_the_time_zone(self) -> None:
        rule = "FREQ=DAILY;UNTIL=20261209T230000Z"

        assert days(rule, "2026-12-08", timezone=NEW_YORK) == ["2026-12-09"]
        assert days(rule, "2026-12-08", timezone=BERLIN) == ["2026-12-09", "2026-12-10"]

    @pytest.mark.parametrize("timezone", [BERLIN, NEW_YORK, APIA])
    def test_until_the_end_of_the_calendar_is_no_end(self, timezone: ZoneInfo) -> None:
        assert days("FREQ=DAILY;UNTIL=99991231T235959Z", "2026-11-25", 1, timezone) == ["2026-11-26"]
        assert days("FREQ=DAILY;UNTIL=00010101T000000Z", "2026-11-25", 1, timezone) == []

    def test_until_before_the_due_date_has_no_occurrence(self) -> None:
        assert days("FREQ=DAILY;UNTIL=20200101", "2026-11-25") == []


class TestTimeOfDay:
    @pytest.mark.parametrize(
        ("timezone", "due", "following"),
        [
            (BERLIN, "2026-03-28T09:00", ["2026-03-29 09:00", "2026-03-30 09:00"]),
            (BERLIN, "2026-10-24T09:00", ["2026-10-25 09:00", "2026-10-26 09:00"]),
            (NEW_YORK, "2026-03-07T09:00", ["2026-03-08 09:00", "2026-03-09 09:00"]),
            (NEW_YORK, "2026-10-31T09:00", ["2026-11-01 09:00", "2026-11-02 09:00"]),
            (LORD_HOWE, "2026-10-03T09:00", ["2026-10-04 09:00", "2026-10-05 09:00"]),
            (LORD_HOWE, "2026-04-04T09:00", ["2026-04-05 09:00", "2026-04-06 09:00"]),
        ],
    )
    def test_stays_the_same_over_both_clock_changes(self, timezone: ZoneInfo, due: str, following: list[str]) -> None:
        assert local_times("FREQ=DAILY", due, timezone, 2) == following

    @pytest.mark.parametrize(
        ("timezone", "due", "following"),
        [
            (BERLIN, "2026-03-28T02:30", ["2026-03-29 03:30", "2026-03-30 02:30", "2026-03-31 02:30"]),
            (NEW_YORK, "2026-03-07T02:30", ["2026-03-08 03:30", "2026-03-09 02:30", "2026-03-10 02:30"]),
            (LORD_HOWE, "2026-10-03T02:15", ["2026-10-04 02:45", "2026-10-05 02:15", "2026-10-06 02:15"]),
            # On 28 March 2026 the clocks in Nuuk skip the hour before midnight.
            (NUUK, "2026-03-27T23:30", ["2026-03-29 00:30", "2026-03-29 23:30", "2026-03-30 23:30"]),
            # Samoa skipped the whole of 30 December 2011.
            (APIA, "2011-12-29T09:00", ["2011-12-31 09:00", "2012-01-01 09:00", "2012-01-02 09:00"]),
        ],
    )
    def test_is_later_once_where_the_clocks_skip_it(self, timezone: ZoneInfo, due: str, following: list[str]) -> None:
        assert local_times("FREQ=DAILY", due, timezone) == following

    def test_wall_time_is_set_only_for_a_moved_occurrence(self) -> None:
        due = datetime(2026, 3, 28, 2, 30, tzinfo=BERLIN).astimezone(UTC)
        moved, after = islice(occurrences("FREQ=DAILY", due, BERLIN), 2)

        assert moved.wall_time == time(2, 30)
        assert after.wall_time is None

    @pytest.mark.parametrize("fold", [0, 1])
    def test_that_occurs_twice_on_a_day_is_followed_by_the_next_day(self, fold: int) -> None:
        due = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold).astimezone(UTC)
        occurrence = next_occurrence("FREQ=DAILY", due, BERLIN)

        assert occurrence == Occurrence(datetime(2026, 10, 26, 1, 30, tzinfo=UTC), "FREQ=DAILY", None)

    def test_that_occurs_twice_on_a_day_means_the_first(self) -> None:
        due = datetime(2026, 10, 24, 2, 30, tzinfo=BERLIN).astimezone(UTC)
        occurrence = next_occurrence("FREQ=DAILY", due, BERLIN)

        assert occurrence == Occurrence(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "FREQ=DAILY", None)

    def test_that_occurs_twice_on_the_day_of_the_due_date_leaves_no_trace(self) -> None:
        # The second 02:30 of 25 October 2026, and then the last Sundays of March and October.
        due = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
        found = [each.due for each in islice(occurrences("FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", due, BERLIN), 2)]

        assert found == [datetime(2027, 3, 28, 1, 30, tzinfo=UTC), datetime(2027, 10, 31, 0, 30, tzinfo=UTC)]

    def test_a_wall_time_of_another_time_zone_does_not_count(self) -> None:
        due = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        occurrence = next_occurrence("FREQ=DAILY", due, NEW_YORK, time(2, 30))

        assert occurrence == Occurrence(datetime(2026, 3, 30, 1, 30, tzinfo=UTC), "FREQ=DAILY", None)

    def test_weekdays_are_those_of_the_time_zone(self) -> None:
        # 23:00 on Tuesday in New York is Wednesday in UTC, but BYDAY means the day in New York.
        found = local_times("FREQ=WEEKLY;BYDAY=TU", "2026-11-24T23:00", NEW_YORK, 2)

        assert found == ["2026-12-01 23:00", "2026-12-08 23:00"]

    def test_keeps_seconds_and_fractions(self) -> None:
        due = datetime(2026, 11, 25, 9, 0, 1, 500_000, tzinfo=UTC)
        occurrence = next_occurrence("FREQ=DAILY", due, BERLIN)

        assert occurrence is not None
        assert occurrence.due == due + timedelta(days=1)

    @pytest.mark.parametrize("timezone", [BERLIN, NEW_YORK, APIA])
    @pytest.mark.parametrize("due", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
    def test_outside_the_years_1_to_9999_ends_the_rule(self, due: datetime, timezone: ZoneInfo) -> None:
        occurrence = next_occurrence("FREQ=DAILY", due, timezone)

        assert occurrence is None or occurrence.due > due
