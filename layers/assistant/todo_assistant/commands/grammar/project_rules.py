"""Rules for projects, and for moving todos between projects and under parents."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import MoveTo, NewProject, Projects
from todo_assistant.commands.grammar.fields import PROJECT, parse_project_name
from todo_assistant.commands.grammar.quick_add import NOT_AN_ARTICLE
from todo_assistant.commands.grammar.quotes import unquote
from todo_assistant.commands.grammar.rules import always, compile_rules
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import parse_target


def _parse_new_project(found: re.Match[str], _: IsReadable) -> NewProject:
    return NewProject(parse_project_name(found["project_name"]))


def _parse_move_into(found: re.Match[str], _: IsReadable) -> MoveTo | None:
    target = parse_target(found[1])
    return MoveTo(target, project=parse_project_name(found[2])) if target else None


def _parse_move_out(found: re.Match[str], _: IsReadable) -> MoveTo | None:
    target = parse_target(found[1])
    if target is None:
        return None
    of_project = replace(target.filter, project=parse_project_name(found[2]))
    return MoveTo(replace(target, filter=of_project), project="")


def _parse_move_under(found: re.Match[str], _: IsReadable) -> MoveTo | None:
    target = parse_target(found[1])
    return MoveTo(target, parent=unquote(found[2])) if target else None


def _parse_move_to_top(found: re.Match[str], _: IsReadable) -> MoveTo | None:
    target = parse_target(found[1])
    return MoveTo(target, parent="") if target else None


NEW_PROJECT: Final = (
    r"(?:add|create|make|new)(?: (?:an?|the|my|new|another))* project\b:?(?: (?:called|named))? "
    r"(?P<project_name>(?!/?$|.* (?:to|on) (?:my|the) ).+)"
)
"""Matches commands that add a project, such as `new project Work`; not the new todo `add project plan to my list`."""
PROJECT_RULES: Final = compile_rules(
    (NEW_PROJECT, _parse_new_project),
    (
        r"(?:(?:list|show)(?: me)? )?(?:(?:all|my|the)\b ?)*projects|(?:what|which) projects (?:do i have|are there)",
        always(Projects()),
    ),
    (rf"(?:move|take) (.+?) out of (?:the )?(?:project )?({PROJECT}|project .+)", _parse_move_out),
    (rf"(?:remove|take) (.+?) from ({PROJECT})", _parse_move_out),
    (rf"(?:move|put|shift) (.+?) (?:to|in|into) (?:the )?({PROJECT}|project .+)", _parse_move_into),
    (r"move (.+?) to (?:the )?top(?: level)?", _parse_move_to_top),
    (rf"move (.+?) under {NOT_AN_ARTICLE}(.+)", _parse_move_under),
)
"""Rules for projects and parents: `projects`, `new project Work`, `move milk to /shop`, `move milk under bake cake`."""
