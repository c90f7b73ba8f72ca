"""Finds the project or the parent of a new todo where the words say that one is meant: `in project Work`."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import NewTodo
from todo_assistant.commands.grammar.fields import PROJECT, parse_project_name
from todo_assistant.commands.grammar.quotes import mask_quotes, unquote

_MAX_CHARACTERS: Final = 500
"""Longest title in which a project is searched, to bound the time."""
_NO_NAME: Final = (
    r"(?!(?:manage\w*|lead\w*|teams?|plans?|planning|meetings?|owners?|partners?|sponsors?|kick-?offs?|reports?|budgets?"
    r"|proposals?|deadlines?|documentation|docs?|reviews?|status|files?|folders?|members?|stakeholders?|ideas?"
    r"|days?|weeks?|submissions?|presentations?|demos?|launch|handover|delivery|start|end|board|grant|funding|and|or|of"
    r"|for|to|in|is|are|with|at|on|that|which|next|this)\b)"
)
"""Matches where a name may begin after `project`: not at `manager` in `talk to project manager`."""
_NO_ADJECTIVE: Final = (
    r"(?!(?:new|next|old|last|whole|entire|same|first|second|third|current|big|small|other|right|wrong|final)\b)"
)
_TITLE: Final = (
    r"(?!(?:switch|go|change|return|move|work|look|talk|start|continue|apply|contribute|commit|prepare|plan|sign up"
    r"|log in|get) (?:to|in|into|for|under) (?:(?:the|my|our) )?(?:\S+ ){1,3}\S+$)(?P<title>\S.*)"
)
"""Matches a title that is no verb alone, to which the project belongs: not `switch` in `switch to project Work`."""
_BEFORE_NAME: Final = re.compile(
    rf"{_TITLE}(?: (?:to|in|into|for|under) (?:(?:the|my|our) )?project:?|, project:?| project:) (?:(?:called|named) )?"
    rf"(?P<project>{_NO_NAME}\S+(?: \S+){{0,3}})",
    re.IGNORECASE,
)
"""Matches a title and a project whose name follows the word: `order tiles in project Bathroom`."""
_AFTER_NAME: Final = re.compile(
    rf"{_TITLE} (?P<preposition>to|in|into|under|for) (?:the|my|our)"
    rf" (?P<project>{_NO_ADJECTIVE}\S+(?: \S+){{0,2}}) project",
    re.IGNORECASE,
)
"""Matches a title and a project whose name precedes the word: `order tiles in the Bathroom project`."""
_PLACE_FIRST: Final = re.compile(
    r"(?:under|below|to|in|into) (?:(?:the|my|our) )?(?P<place>(?!do\b)\S.{0,99}?)[,:]? (?:please )?add"
    r" (?P<title>\S.*)",
    re.IGNORECASE,
)
"""Matches a place in front of a new todo: `under plan party add invite friends`."""
_LIST: Final = re.compile(r"(?:(?:to-?do|task) )?list", re.IGNORECASE)
_PROJECT_FIRST: Final = re.compile(
    rf"(?P<mark>{PROJECT})|project (?P<before>\S.*)|(?P<after>\S.*) project", re.IGNORECASE
)


def take_named_project(todo: NewTodo, line: str) -> NewTodo:
    """Takes a project that is called one out of the title. After `for the`, it may belong to the title.

    Words in quotes of the whole line stay in the title.
    """
    masked = mask_quotes(todo.title)
    if todo.project or len(masked) > _MAX_CHARACTERS:
        return todo
    found = _BEFORE_NAME.fullmatch(masked) or _AFTER_NAME.fullmatch(masked)
    if found is None or mask_quotes(todo.title[found.end("title") :]) not in mask_quotes(line):
        return todo
    is_named = found.groupdict().get("preposition", "").lower() != "for"
    return replace(
        todo,
        title=todo.title[: found.end("title")],
        project=unquote(todo.title[slice(*found.span("project"))]),
        title_if_no_project=todo.title,
        is_place_named=is_named,
    )


def split_place(line: str) -> tuple[str, str] | None:
    """Returns the place and the words of the todo in `under plan party add invite friends`, or None."""
    found = _PLACE_FIRST.fullmatch(mask_quotes(line))
    return (line[slice(*found.span("place"))], line[found.start("title") :]) if found else None


def put_in_place(todo: NewTodo, place: str) -> NewTodo:
    """Returns the todo in the project or under the parent that the words name. `list` means no place."""
    if _LIST.fullmatch(place):
        return todo
    found = _PROJECT_FIRST.fullmatch(mask_quotes(place))
    if found is None:
        return replace(todo, parent=unquote(place), is_place_named=True)
    if found["mark"]:
        return replace(todo, project=parse_project_name(place))
    name = unquote(place[slice(*found.span("before" if found["before"] else "after"))])
    return replace(todo, project=name, title_if_no_project=todo.title, is_place_named=True)
