"""Commands that rename or remove a tag in all todos."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from todo_assistant.commands.grammar.commands import Command, DeleteTag, Incomplete, RenameTag, Update
from todo_assistant.commands.grammar.parser import parse_command
from todo_assistant.commands.results import NamedResult
from todo_assistant.commands.wording.results import describe_results


def parse(text: str) -> Command:
    return parse_command(text, now=datetime(2030, 1, 15, 9, tzinfo=UTC), timezone=ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("text", "tag", "new_tag"),
    [
        ("rename tag home to house", "home", "house"),
        ("Rename the tag #Home to #House", "Home", "House"),
        ("rename #home to #house", "home", "house"),
        ("change label home into house", "home", "house"),
        ('rename tag "to do" to "to buy"', "to do", "to buy"),
        ("please rename tag a to b", "a", "b"),
    ],
)
def test_a_tag_is_renamed(text: str, tag: str, new_tag: str) -> None:
    assert parse(text) == RenameTag(tag, new_tag)


@pytest.mark.parametrize(
    ("text", "tag"),
    [("delete tag home", "home"), ("remove the tag #home", "home"), ("drop label home", "home"), ("delete tag a", "a")],
)
def test_a_tag_is_removed(text: str, tag: str) -> None:
    assert parse(text) == DeleteTag(tag)


def test_a_new_name_is_asked_for() -> None:
    assert isinstance(parse("rename tag home"), Incomplete)


def test_a_tag_of_one_todo_is_removed_from_that_only() -> None:
    command = parse("remove tag home from milk")
    assert isinstance(command, Update)
    assert command.remove_tags == ("home",)


def test_the_answers_name_the_tags_and_the_number_of_todos() -> None:
    renamed = NamedResult("rename_tag", {"tag": "home", "new_tag": "house", "changed_todos": 3})
    removed = NamedResult("delete_tag", {"tag": "home", "changed_todos": 1})
    missing = NamedResult("delete_tag", {"error": "None.", "code": "tag_not_found", "tag": "home"})
    assert describe_results([renamed]) == "Renamed the tag \u201chome\u201d to \u201chouse\u201d in 3 todos."
    assert describe_results([removed]) == "Removed the tag \u201chome\u201d from 1 todo."
    assert describe_results([missing]) == "No todo has the tag \u201chome\u201d."
