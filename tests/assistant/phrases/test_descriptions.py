"""English descriptions of recurrence rules, such as `every 3 days`."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from tests.assistant.phrases.test_recurrences import PHRASES
from todo_assistant.phrases.descriptions import describe_rule
from todo_assistant.phrases.recurrences import parse_recurrence
from todo_core.todos.recurrence_rules import RecurrenceRule

RULE = TypeAdapter[str](RecurrenceRule)
SATURDAY = datetime(2026, 11, 28, 10, 15, tzinfo=UTC)


def parsed_rule(phrase: str) -> str:
    return parse_recurrence(phrase, now=SATURDAY, timezone=ZoneInfo("Europe/Berlin")).rule


class TestDescriptions:
    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            ("FREQ=DAILY", "every day"),
            ("FREQ=DAILY;INTERVAL=3", "every 3 days"),
            ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"),
            ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "every weekday"),
            ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "every Monday, Wednesday and Friday"),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU", "every 2 weeks on Sunday"),
            ("FREQ=MONTHLY;BYDAY=2TU", "every month on the second Tuesday"),
            ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday"),
            ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day"),
            ("FREQ=MONTHLY;BYMONTHDAY=1,22,13", "every month on the 1st, the 22nd and the 13th"),
            ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last workday"),
            ("FREQ=MONTHLY;INTERVAL=3;UNTIL=20270601", "every 3 months until 1 June 2027"),
            (
                "FREQ=YEARLY;UNTIL=20300101T090000Z;BYMONTH=1;BYMONTHDAY=3",
                "every year on January 3 until 1 January 2030",
            ),
            ("FREQ=YEARLY;BYMONTH=4,10;BYMONTHDAY=1", "every year on April 1 and October 1"),
            ("FREQ=DAILY;COUNT=3", "every day, 3 times"),
            ("FREQ=DAILY;COUNT=1", "every day, once"),
            ("FREQ=YEARLY;BYYEARDAY=100", "by the rule FREQ=YEARLY;BYYEARDAY=100"),
            ("FREQ=MONTHLY;BYMONTHDAY=-2", "by the rule FREQ=MONTHLY;BYMONTHDAY=-2"),
            ("FREQ=MONTHLY;BYDAY=MO", "by the rule FREQ=MONTHLY;BYDAY=MO"),
            ("FREQ=YEARLY;BYMONTH=2", "by the rule FREQ=YEARLY;BYMONTH=2"),
            ("FREQ=WEEKLY;BYDAY=MO;WKST=SU", "by the rule FREQ=WEEKLY;BYDAY=MO;WKST=SU"),
        ],
    )
    def test_a_rule_is_described_or_quoted(self, rule: str, words: str) -> None:
        assert RULE.validate_python(rule) == rule
        assert describe_rule(rule) == words

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            ("FREQ=DAILY;INTERVAL=3", "every 3 days after completion"),
            ("FREQ=WEEKLY;COUNT=5", "every week after completion, 5 times"),
            ("FREQ=YEARLY;BYYEARDAY=100", "by the rule FREQ=YEARLY;BYYEARDAY=100 after completion"),
        ],
    )
    def test_a_rule_may_count_from_the_completion(self, rule: str, words: str) -> None:
        assert describe_rule(rule, "completion") == words

    def test_such_a_description_is_parsed_as_the_same_recurrence(self) -> None:
        description = describe_rule("FREQ=DAILY;INTERVAL=3;COUNT=5", "completion")
        parsed = parse_recurrence(description, now=SATURDAY, timezone=ZoneInfo("Europe/Berlin"))

        assert (parsed.rule, parsed.counts_from) == ("FREQ=DAILY;INTERVAL=3;COUNT=5", "completion")

    @pytest.mark.parametrize("phrase", PHRASES)
    def test_a_description_is_parsed_as_the_same_rule(self, phrase: str) -> None:
        rule = parsed_rule(phrase)

        assert parsed_rule(describe_rule(rule)) == rule
