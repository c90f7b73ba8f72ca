"""Accepted recurrence rules and their canonical form, and the error messages for refused rules."""

import pytest
from pydantic import ValidationError

from tests.core.todos.recurrences import canonical


def refusal(rule: object) -> str:
    with pytest.raises(ValidationError) as refused:
        canonical(rule)
    [error] = refused.value.errors()
    return error["msg"]


class TestCanonicalForm:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("FREQ=DAILY", "FREQ=DAILY"),
            ("rrule:freq=weekly;byday=mo,th", "FREQ=WEEKLY;BYDAY=MO,TH"),
            ("BYDAY=+2TU,-1FR;FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=2TU,-1FR"),
            ("FREQ=MONTHLY;BYMONTHDAY=01,-1,1;INTERVAL=03", "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1,-1"),
            ("FREQ=DAILY;UNTIL=20301231T170000Z", "FREQ=DAILY;UNTIL=20301231T170000Z"),
            ("COUNT=10;FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU;WKST=SU", "FREQ=YEARLY;COUNT=10;BYWEEKNO=-1;BYDAY=SU;WKST=SU"),
            ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
            ("FREQ=DAILY;", "FREQ=DAILY"),
            ("FREQ=DAILY;BYMONTH=1", "FREQ=DAILY;BYMONTH=1"),
            ("FREQ=DAILY;BYMONTHDAY=13;BYDAY=FR", "FREQ=DAILY;BYMONTHDAY=13;BYDAY=FR"),
            ("FREQ=DAILY;INTERVAL=2;BYDAY=MO", "FREQ=DAILY;INTERVAL=2;BYDAY=MO"),
            ("FREQ=DAILY;BYDAY=MO;BYSETPOS=-1", "FREQ=DAILY;BYDAY=MO;BYSETPOS=-1"),
            ("FREQ=WEEKLY;BYMONTH=6,7;BYDAY=MO", "FREQ=WEEKLY;BYMONTH=6,7;BYDAY=MO"),
            ("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2", "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2"),
            ("FREQ=YEARLY;BYMONTH=1,6;BYSETPOS=-1", "FREQ=YEARLY;BYMONTH=1,6;BYSETPOS=-1"),
            ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,2,3,4,5,-1,-2,-3", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,2,3,4,5,-1,-2,-3"),
            ("FREQ=DAILY;INTERVAL=1000", "FREQ=DAILY;INTERVAL=1000"),
            ("FREQ=DAILY;INTERVAL=999999", "FREQ=DAILY;INTERVAL=999999"),
        ],
    )
    def test_equal_rules_have_one_canonical_form(self, given: str, expected: str) -> None:
        assert canonical(given) == expected
        assert canonical(expected) == expected


class TestRefusals:
    @pytest.mark.parametrize(
        ("rule", "reason"),
        [
            ("", "It consists of parts"),
            ("daily", "It consists of parts"),
            ("FREQ=DAILY;;", "It consists of parts"),
            (";FREQ=DAILY", "It consists of parts"),
            (";", "It consists of parts"),
            ("FREQ=DAILY\nRRULE:FREQ=DAILY", "FREQ takes DAILY, WEEKLY, MONTHLY or YEARLY"),
            ("DTSTART:20300101\nRRULE:FREQ=DAILY", "It consists of parts"),
            ("FREQ=DA\u0131LY", "It consists of parts"),
            ("FREQ=DAILY;BYDAY=\u017fU", "It consists of parts"),
            ("FREQ=DAILY\x00", "FREQ takes"),
            ("INTERVAL=2", "It needs FREQ"),
            ("FREQ=HOURLY", "FREQ takes DAILY, WEEKLY, MONTHLY or YEARLY"),
            ("FREQ=MINUTELY", "FREQ takes DAILY, WEEKLY, MONTHLY or YEARLY"),
            ("FREQ=SECONDLY", "FREQ takes DAILY, WEEKLY, MONTHLY or YEARLY"),
            ("FREQ=DAILY;BYHOUR=9", "The time of day is that of the due date: leave BYHOUR out"),
            ("FREQ=DAILY;BYEASTER=0", "BYEASTER is not supported"),
            ("FREQ=DAILY;FREQ=WEEKLY", "It has FREQ twice"),
            ("FREQ=DAILY;INTERVAL=0", "INTERVAL takes a number from 1 to 999999"),
            ("FREQ=DAILY;INTERVAL=1000000", "INTERVAL takes a number from 1 to 999999"),
            ("FREQ=DAILY;INTERVAL=-1", "INTERVAL takes"),
            ("FREQ=DAILY;INTERVAL=\u0661", "It consists of parts"),
            ("FREQ=DAILY;INTERVAL=1,2", "INTERVAL takes"),
            ("FREQ=DAILY;COUNT=1000000000", "COUNT takes a number from 1 to 9999"),
            ("FREQ=DAILY;COUNT=0", "COUNT takes"),
            ("FREQ=DAILY;COUNT=3;UNTIL=20300101", "COUNT or UNTIL, but not both"),
            ("FREQ=DAILY;UNTIL=2030-01-01", "UNTIL takes a day such as 20301231"),
            ("FREQ=DAILY;UNTIL=20300101T000000", "UNTIL takes"),
            ("FREQ=DAILY;UNTIL=20300230", "UNTIL takes"),
            ("FREQ=DAILY;UNTIL=20300101T250000Z", "UNTIL takes"),
            ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY is allowed only with FREQ=DAILY or FREQ=MONTHLY or FREQ=YEARLY"),
            ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY is allowed only with FREQ=YEARLY"),
            ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY is allowed only with FREQ=YEARLY"),
            ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO is allowed only with FREQ=YEARLY"),
            ("FREQ=YEARLY;BYMONTH=13", "BYMONTH takes months from 1 to 12"),
            ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH takes"),
            ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY takes"),
            ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY takes"),
            ("FREQ=MONTHLY;BYMONTHDAY=", "BYMONTHDAY takes"),
            ("FREQ=MONTHLY;BYMONTHDAY=1,", "BYMONTHDAY takes"),
            ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS needs another part with BY"),
            ("FREQ=WEEKLY;BYDAY=XX", "BYDAY takes"),
            ("FREQ=WEEKLY;BYDAY=1MO", "only in a month or a year"),
            ("FREQ=DAILY;BYDAY=1MO", "only in a month or a year"),
            ("FREQ=MONTHLY;BYDAY=6MO", "at most five times"),
            ("FREQ=YEARLY;BYMONTH=12;BYDAY=53MO", "at most five times"),
            ("FREQ=YEARLY;BYDAY=54MO", "BYDAY takes"),
            ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "only in a month or a year"),
            ("FREQ=MONTHLY;WKST=1MO", "WKST takes"),
            ("FREQ=" + "D" * 10_000, "at most 500 characters"),
            ("FREQ=MONTHLY;BYMONTHDAY=" + "1," * 5_000 + "1", "at most 500 characters"),
            ("{why}=1;FREQ=DAILY", "It consists of parts"),
        ],
    )
    def test_an_unsupported_rule_is_refused_with_the_reason(self, rule: str, reason: str) -> None:
        assert reason in refusal(rule)

    @pytest.mark.parametrize("rule", [None, 1, ["FREQ=DAILY"], {"FREQ": "DAILY"}])
    def test_a_rule_that_is_not_text_is_refused(self, rule: object) -> None:
        assert refusal(rule)

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30,31,-30",
            "FREQ=MONTHLY;BYMONTH=1,3,4,5,6,7,8,9,10,11,12;BYDAY=5MO,5TU;BYMONTHDAY=1",
            "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=8",
            "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
            "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
            "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=7;BYDAY=MO",
            "FREQ=YEARLY;BYDAY=53MO,-53TU;BYMONTHDAY=15",
            "FREQ=YEARLY;INTERVAL=999;BYMONTH=4;BYMONTHDAY=31",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;BYDAY=MO;BYSETPOS=2",
            "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=-3",
            "FREQ=YEARLY;BYMONTH=1,6;BYSETPOS=3",
        ],
    )
    def test_a_rule_that_never_occurs_is_refused(self, rule: str) -> None:
        assert "It never occurs" in refusal(rule)

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=MONTHLY;BYMONTH=2;BYDAY=5MO",
            "FREQ=YEARLY;BYYEARDAY=366;BYDAY=SU",
            "FREQ=YEARLY;BYDAY=53TH",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU",
            "FREQ=YEARLY;BYMONTH=12;BYWEEKNO=1",
            "FREQ=YEARLY;BYMONTH=1;BYWEEKNO=53",
        ],
    )
    def test_a_rule_that_occurs_once_in_decades_is_accepted(self, rule: str) -> None:
        assert canonical(rule) == rule
