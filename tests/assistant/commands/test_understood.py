"""Texts of a field for new todos: the parts that are understood are inside the text, whatever it is."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from todo_assistant.commands.grammar.parser import read_at
from todo_assistant.commands.grammar.understood import TooManyLines, UnderstoodTodo, understand

READ = read_at(datetime(2030, 1, 15, 9, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
WORDS = [
    *(
        "call mum",
        "buy milk",
        "tomorrow",
        "5pm",
        "at 17:00",
        "#home",
        "@work",
        "/shop",
        '/"Home office"',
        "!high",
        "p1",
    ),
    *("every day", "every 2nd tuesday at 9am", "on friday", "jan 3", "remind me to", "add", "add:", "under bake cake"),
    *(
        "in project Work",
        "morgen um 17 Uhr",
        "ma\u00f1ana",
        "demain \u00e0 17h",
        "kal 5 baje",
        "कल श\u093eम",
    ),
    *(
        '"read 1984 tomorrow"',
        "and",
        ",",
        ";",
        "\n",
        "\r\n",
        "- ",
        "[ ] ",
        "1. ",
        "\t",
        "\u00a0",
        "\u3000",
        "\u2028",
        "please",
    ),
    *(
        "🥛",
        "👩\u200d👩",
        "cafe\u0301",
        "#cafe\u0301",
        "한",
        "क़",
        "יִ",
        "\u200b",
        "\u0000",
    ),
    *("delete milk", "done", "list overdue", "who are you?", "until june", "for 3 days", "30 minutes before", "\ue000"),
]
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=6)), max_size=12).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=14).map("".join),
)


def check(text: str) -> list[UnderstoodTodo]:
    """Asserts that all parts are inside of the text, not blank, and in its order."""
    todos = understand(text, READ)
    for each in todos:
        assert each.todo.title or each.todo.tags
        starts = [part.start for part in each.parts]
        assert starts == sorted(starts)
        for part in each.parts:
            assert 0 <= part.start < part.end <= len(text)
            shown = text[part.start : part.end]
            assert shown == shown.strip()
    return todos


@settings(max_examples=400)
@given(TEXTS)
@example("add: a, b and c")
@example("remind me every day every day tomorrow")
@example("क\u093c" * 20 + " tomorrow")
def test_every_part_is_inside_the_text(text: str) -> None:
    try:
        check(text)
    except TooManyLines:
        assert text.count("\n") + text.count("\r") + text.count(";") >= 100


@settings(max_examples=200)
@given(st.lists(st.sampled_from([word for word in WORDS if word.strip()]), min_size=1, max_size=8).map(" ".join))
def test_other_spaces_give_the_same_todos(text: str) -> None:
    spread = f"  {text.replace(' ', chr(0xA0) + ' ')}\u3000"
    assert [each.todo for each in check(spread)] == [each.todo for each in check(text)]


@pytest.mark.parametrize("text", ["", " ", "\n", ";;", "\r\n\r\n"])
def test_a_text_without_a_line_has_no_todo(text: str) -> None:
    assert check(text) == []


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(TooManyLines):
        understand("milk\n" * 101, READ)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cafe\u0301 tomorrow #cafe\u0301", [("due", "tomorrow"), ("tag", "#cafe\u0301")]),
        ("friday call mum at 5pm", [("due", "friday"), ("due", "at 5pm")]),
        (
            "call mum tomorrow 5pm, buy milk friday 6pm",
            [("due", "tomorrow"), ("due", "5pm"), ("due", "friday"), ("due", "6pm")],
        ),
        ('pay "rent tomorrow" p1.', [("priority", "p1")]),
        ("  *  milk   #a\t#b", [("tag", "#a"), ("tag", "#b")]),
        (
            "water plants every 2nd tuesday at 9am /home",
            [("recurrence", "every 2nd tuesday at 9am"), ("project", "/home")],
        ),
        ("order tiles in project Bathroom", [("project", "Bathroom")]),
        ("please buy milk tomorrow", [("due", "tomorrow")]),
    ],
)
def test_parts_have_the_words_of_the_text(text: str, found: list[tuple[str, str]]) -> None:
    parts = [(part.field, text[part.start : part.end]) for each in check(text) for part in each.parts]
    assert parts == found
