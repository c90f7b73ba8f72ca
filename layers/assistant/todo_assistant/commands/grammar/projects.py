"""Rules for projects, and for moving todos between them and under each other."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar import targets
from todo_assistant.commands.grammar.commands import MoveTo, NewProject, Projects
from todo_assistant.commands.grammar.due_spans import Readable
from todo_assistant.commands.grammar.quick_add import NO_PARENT, PROJECT, project_named, unquoted
from todo_assistant.commands.grammar.rules import always, compiled


def _new(found: re.Match[str], _: Readable) -> NewProject:
    return NewProject(project_named(found["project_name"]))


def _into(found: re.Match[str], _: Readable) -> MoveTo | None:
    target = targets.read(found[1])
    return MoveTo(target, project=project_named(found[2])) if target else None


def _out_of(found: re.Match[str], _: Readable) -> MoveTo | None:
    target = targets.read(found[1])
    return MoveTo(replace(target, project=project_named(found[2])), project="") if target else None


def _under(found: re.Match[str], _: Readable) -> MoveTo | None:
    target = targets.read(found[1])
    return MoveTo(target, parent=unquoted(found[2])) if target else None


def _to_top(found: re.Match[str], _: Readable) -> MoveTo | None:
    target = targets.read(found[1])
    return MoveTo(target, parent="") if target else None


NEW: Final = (
    r"(?:add|create|make|new)(?: (?:an?|the|my|new|another))* project\b:?(?: (?:called|named))? "
    r"(?P<project_name>(?!/?$|.* (?:to|on) (?:my|the) ).+)"
)
RULES: Final = compiled(
    (NEW, _new),
    (
        r"(?:(?:list|show)(?: me)? )?(?:(?:all|my|the)\b ?)*projects|(?:what|which) projects (?:do i have|are there)",
        always(Projects()),
    ),
    (rf"(?:move|take) (.+?) out of (?:the )?(?:project )?({PROJECT}|project .+)", _out_of),
    (rf"(?:remove|take) (.+?) from ({PROJECT})", _out_of),
    (rf"(?:move|put|shift) (.+?) (?:to|in|into) (?:the )?({PROJECT}|project .+)", _into),
    (r"move (.+?) to (?:the )?top(?: level)?", _to_top),
    (rf"move (.+?) under {NO_PARENT}(.+)", _under),
)
