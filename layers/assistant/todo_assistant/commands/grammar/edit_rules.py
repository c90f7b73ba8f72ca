"""Rules for commands that change the title, the description, the tags or the priority of todos."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import (
    DeleteTag,
    Describe,
    Incomplete,
    RenameTag,
    Target,
    Untag,
    Update,
)
from todo_assistant.commands.grammar.fields import TAG, parse_priority
from todo_assistant.commands.grammar.quick_add import parse_quick_add
from todo_assistant.commands.grammar.quotes import unquote
from todo_assistant.commands.grammar.rules import answer, compile_rules, or_new, with_target
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import parse_target, single_title


def _parse_rename(found: re.Match[str], is_readable: IsReadable) -> Update | None:
    named = found.groupdict()
    target = parse_target(named["todo"] or named.get("other") or "", is_readable)
    title = unquote(found["title"].strip())
    return Update(single_title(target), title=title) if target and title else None


def _parse_correction(found: re.Match[str], _: IsReadable) -> Incomplete:
    """Parses `no, i meant call robert`, of which it is not clear what to do."""
    title = found["title"]
    return Incomplete("What shall I do?", (f"rename it to {title}", f"add {title}"))


def _parse_describe(found: re.Match[str], is_readable: IsReadable) -> Describe | None:
    target, text = parse_target(found["todo"], is_readable), unquote(found["text"].strip())
    return Describe(single_title(target), text) if target and text else None


def _parse_set(found: re.Match[str], is_readable: IsReadable) -> Update | None:
    """Parses a new priority for a target: `set milk p2`, `make all #home high priority`.

    For a group of todos, the tags select the todos. After the title of one todo, as in `set milk p1 #shop`, the tags
    are added to this todo.
    """
    parsed = parse_quick_add(found[1], is_readable)
    title = re.sub(r" (?:to|as|with|at|a|an)$", "", parsed.title)
    target = parse_target(title, is_readable) or Target()
    if parsed.due or parsed.recurrence or not parsed.priority or not (title or parsed.tags):
        return None
    if target.every or not title:
        group = replace(target.filter, tags=parsed.tags, project=parsed.project or target.filter.project)
        return Update(replace(target, filter=group), priority=parsed.priority)
    return Update(target, priority=parsed.priority, add_tags=parsed.tags)


def _parse_set_priority(found: re.Match[str], is_readable: IsReadable) -> Update | None:
    target, priority = parse_target(found["todo"], is_readable), parse_priority(found["priority"])
    return Update(target, priority=priority) if target and priority else None


def _set_high_priority(target: Target) -> Update:
    return Update(target, priority="high")


def _set_low_priority(target: Target) -> Update:
    return Update(target, priority="low")


def _clear_priority(target: Target) -> Update:
    return Update(target, priority="none")


def _parse_add_tags(found: re.Match[str], is_readable: IsReadable) -> Update | None:
    target, tags = parse_target(found["todo"], is_readable), _split_tags(found["tags"])
    return Update(target, add_tags=tags) if target and tags else None


def _parse_remove_tags(found: re.Match[str], is_readable: IsReadable) -> Update | None:
    target, tags = parse_target(found["todo"], is_readable), _split_tags(found["tags"])
    return Update(target, remove_tags=tags) if target and tags else None


def _parse_untag(found: re.Match[str], is_readable: IsReadable) -> Untag | None:
    """Parses `untag pay rent`, whose last word may be a tag or belong to the title."""
    target = parse_target(found["todo"], is_readable)
    if target is None or target.every:
        return None
    rest, _, tag = found["todo"].rpartition(" ")
    return Untag(target, tag, re.sub(r" (?:as|with|from)$", "", rest)) if rest and target.filter.text else Untag(target)


def _parse_untag_title(found: re.Match[str], is_readable: IsReadable) -> Untag | None:
    """Parses `remove tag from pay rent`, whose words are all of the title."""
    target = parse_target(found["todo"], is_readable)
    return None if target is None or target.every else Untag(target)


def _parse_rename_tag(found: re.Match[str], _: IsReadable) -> RenameTag:
    return RenameTag(_read_tag(found["tag"]), _read_tag(found["new"]))


def _parse_delete_tag(found: re.Match[str], _: IsReadable) -> DeleteTag:
    return DeleteTag(_read_tag(found["tag"]))


def _read_tag(words: str) -> str:
    return unquote(words).removeprefix("#").removeprefix("@")


def _split_tags(words: str) -> tuple[str, ...]:
    tags = (tag.strip("#@\"“”'") for tag in re.split(r"[\s,]+|\band\b", words))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


_QUOTED_OR_SHORTEST: Final = r"\"[^\"]+\"|“[^”]+”|.+?"
"""Matches the old title in `rename milk to oat milk`, up to the first `to`. A quoted title may contain `to`."""
_TAGS: Final = rf"(?P<tags>(?:{TAG}(?:[\s,]|and\b)*)+)"
"""Matches one or more tags: `#home`, `#home, #work`."""
_TAG_NAMES: Final = r"(?P<tags>[#@]?[\w-]{1,50}(?:(?:,| and|, and) [#@]?[\w-]{1,50}){0,9})"
"""Matches the names of tags without `#`: `home`, `urgent and work`."""
_TAG: Final = r"(?:tags?|labels?)"
_ONE_TAG: Final = rf"(?:{TAG}|[\w-]{{1,50}}|\"[^\"]{{1,50}}\"|“[^“”]{{1,50}}”)"
"""Matches the name of one tag: `#home`, `home`, `"to buy"`."""
_NOTE: Final = r"(?:notes?|descriptions?|details?|comments?)"
_PRIORITY: Final = r"(?P<priority>high|medium|low|none|no|p[1-4]|[1-4])"
_TITLE_RULES: Final = (
    (r"(?:(?:no|sorry|oops),? )?i meant(?: to say)? (?P<title>.+)", _parse_correction),
    (
        rf"(?:rename|retitle|re-?name) (?P<todo>{_QUOTED_OR_SHORTEST}) (?:to|as|into|->|→|=) (?P<title>.+)",
        _parse_rename,
    ),
    (
        (
            r"(?:change|edit|set|update) (?:the )?(?:title|name|text|wording) of"
            rf" (?P<todo>{_QUOTED_OR_SHORTEST}) (?:to|as|into) (?P<title>.+)"
        ),
        _parse_rename,
    ),
    (r"(?:change|edit|set|update) (?P<todo>.+?)(?:\W?s) (?:title|name) (?:to|as) (?P<title>.+)", _parse_rename),
    (r"(?:call|name) (?P<todo>it|that|this|them) (?P<title>.+?)(?: instead)?", _parse_rename),
    (
        (
            r"(?:edit|correct|change) (?P<todo>it|that|this|the (?:last|first|second|third|\S+th)(?: one)?"
            r"|\d{1,4}) to (?:say )?(?P<title>.+)"
        ),
        _parse_rename,
    ),
    (rf"edit (?P<todo>{_QUOTED_OR_SHORTEST}) (?:to|into) (?P<title>.+)", _parse_rename),
    (
        (
            rf"(?:change (?P<todo>{_QUOTED_OR_SHORTEST}) (?:to|into)|replace (?P<other>{_QUOTED_OR_SHORTEST})"
            r" (?:with|by)) (?P<title>.+)"
        ),
        or_new(_parse_rename),
    ),
    (r"rename\b.*", answer("Say the new title, too: `rename milk to oat milk`.")),
    (
        r"(?:edit|retitle)(?: (?:it|that|this|\d{1,4}))?",
        answer("Say what to change: `rename milk to oat milk`, `move milk to friday`."),
    ),
)
"""Rules that change a title: `rename milk to oat milk`."""
_DESCRIPTION_RULES: Final = (
    (
        (
            rf"(?:add|attach|write|put|leave) (?:an? |the |this |some )?{_NOTE} (?:to|for|on|in|about)"
            r" (?P<todo>\"[^\"]+\"|.+?)(?::| saying| that says| -|, ?) (?P<text>.+)"
        ),
        _parse_describe,
    ),
    (
        (
            rf"(?:add|attach|write|put|leave) (?:an? |the |this )?{_NOTE} (?P<text>\"[^\"]+\"|“[^”]+”) (?:to|for"
            r"|on|in) (?P<todo>.+)"
        ),
        _parse_describe,
    ),
    (
        (
            rf"(?:add|attach|write|put) (?P<text>\"[^\"]+\"|“[^”]+”|.+?) (?:to|in|into|as) (?:the |a )?{_NOTE}"
            r" (?:of|for|to|on) (?P<todo>.+)"
        ),
        _parse_describe,
    ),
    (rf"(?:set|change|update) (?:the )?{_NOTE} (?:of|for|on) (?P<todo>.+?) to:? (?P<text>.+)", _parse_describe),
    (rf"{_NOTE} (?:for|on|about) (?P<todo>.+?): (?P<text>.+)", _parse_describe),
    (
        rf"(?:add|attach) (?:an? |the )?{_NOTE}(?: that)? (?!to\b|for\b|on\b)(?P<text>.+) to (?P<todo>.+)",
        _parse_describe,
    ),
    (r"describe (?P<todo>.+?) (?:as|with|:) (?P<text>.+)", or_new(_parse_describe)),
    (
        rf"(?:add|attach|write|put|leave) (?:an? |the |this )?{_NOTE}(?: (?:to|for|on) .{{0,100}})?",
        answer("Say the text of the note, too: `add note to rent: pay by card`."),
    ),
)
"""Rules that add to a description: `add note to rent: pay by card`."""
_TAG_RULES: Final = (
    (r"tag (?P<todo>it|that|this|them|those|both) (?!as\b|with\b)(?P<tags>[\w-]{1,50})", _parse_add_tags),
    (rf"(?:add|put) (?:the )?{_TAG} {_TAG_NAMES} (?:to|on) (?P<todo>.+)", _parse_add_tags),
    (rf"(?:add|put) (?:the )?(?:{_TAG} )?{_TAGS}(?:to|on) (?P<todo>.+)", _parse_add_tags),
    (r"(?:add|put) (?:the )?(?P<tags>[\w-]{1,50}) (?:tag|label) (?:to|on) (?P<todo>.+)", _parse_add_tags),
    (rf"give (?P<todo>.+?) (?:the|a) {_TAG} {_TAG_NAMES}", _parse_add_tags),
    (rf"(?:tag|label|mark) (?P<todo>.+?) (?:(?:with|as) )?(?:{_TAG} )?{_TAGS}", _parse_add_tags),
    (rf"(?:tag|label) (?!along\b)(?P<todo>.+) (?:with|as) (?:the (?:{_TAG} )?)?{_TAG_NAMES}", _parse_add_tags),
    (rf"(?:untag|unlabel) (?P<todo>.+?) (?:(?:with|from|as) )?{_TAGS}", _parse_remove_tags),
    (rf"(?:untag|unlabel) {_TAG_NAMES} (?:from|on|off) (?P<todo>.+)", _parse_remove_tags),
    (rf"(?:untag|unlabel) {_TAGS}(?:from|on|off) (?P<todo>.+)", _parse_remove_tags),
    (r"(?:untag|unlabel) (?P<todo>.+)", _parse_untag),
    (rf"(?:remove|delete|clear|take|drop) (?:(?:the|its) )?{_TAG} (?:from|off|of) (?P<todo>.+)", _parse_untag_title),
    (rf"(?:remove|delete|take|drop) (?:the )?(?:{_TAG} )?{_TAGS}(?:from|off|of) (?P<todo>.+)", _parse_remove_tags),
    (rf"(?:remove|delete|take|drop) (?:the )?{_TAG} {_TAG_NAMES} (?:from|off|of) (?P<todo>.+)", _parse_remove_tags),
    (
        r"(?:remove|delete|take|drop) (?:the )?(?P<tags>[\w-]{1,50}) (?:tag|label) (?:from|off|of) (?P<todo>.+)",
        _parse_remove_tags,
    ),
    (
        rf"(?:untag|unlabel)\b.*|(?:remove|delete|clear) (?:all |the |its |their )*{_TAG} (?:from|of) .+",
        answer("Name the tag and the todo: `untag milk #home`."),
    ),
    (rf"(?:rename|change) (?:the )?{_TAG} (?P<tag>{_ONE_TAG}) (?:to|into|as) (?P<new>{_ONE_TAG})", _parse_rename_tag),
    (rf"(?:rename|change) (?P<tag>{TAG}) (?:to|into) (?P<new>{TAG})", _parse_rename_tag),
    (rf"(?:delete|remove|drop) (?:the )?{_TAG} (?P<tag>{_ONE_TAG})", _parse_delete_tag),
    (
        rf"(?:rename|change) (?:the )?{_TAG} \S+",
        answer("Say the new name, too: `rename tag home to household`."),
    ),
    (
        r"tag (?!(?:the|a|an|my|along|it|that|this|them)\b(?: \S+)?$)(?P<todo>.+) (?P<tags>[\w-]{1,50})",
        or_new(_parse_add_tags),
    ),
    (
        r"tag (?:it|that|this|them|(?!the$)\S+)|(?:tag|label)[.!:]*",
        answer("Name the todo and the tag: `tag milk #home`."),
    ),
)
"""Rules that add or remove tags: `tag milk #home`, `add tag urgent to pay rent`, `untag milk #home`."""
_PRIORITY_RULES: Final = (
    (
        (
            r"(?:set |change |raise |lower |make |update )?(?:the )?priority (?:of|for|on) (?P<todo>.+) to"
            rf" (?:be )?{_PRIORITY}(?: priority)?"
        ),
        _parse_set_priority,
    ),
    (rf"(?:set|change|update|give) (?P<todo>.+?)(?:\W?s)? priority (?:to )?{_PRIORITY}", _parse_set_priority),
    (
        rf"(?:set|give|add|assign) (?:a |the )?(?:priority )?{_PRIORITY}(?: priority)? (?:to|for|on) (?P<todo>.+)",
        _parse_set_priority,
    ),
    (rf"(?:set|change|mark) (?P<todo>.+) (?:to|as|at) {_PRIORITY}(?: priority)?", _parse_set_priority),
    (
        r"(?:remove|clear|delete|drop) (?:(?:the )?(?:priority|urgency)|p[1-4]) (?:of|from|on) (.+)",
        with_target(_clear_priority),
    ),
    (r"(?:raise|increase|bump(?: up)?|up) (?:the )?priority (?:of|for|on) (.+)", with_target(_set_high_priority)),
    (r"(?:lower|decrease|reduce|drop) (?:the )?priority (?:of|for|on) (.+)", with_target(_set_low_priority)),
    (r"(?:set|make|change|give|mark|flag) (.+)", _parse_set),
    (
        r"(?:set |change )?(?:the )?priority (?:of|for|on) .+ to .+|(?:set|change) .+(?:\W?s)? priority to .+",
        answer("A priority is `high`, `medium`, `low` or `none`: `set priority of milk to high`."),
    ),
    (
        r"(?:set |change )?(?:the )?priority (?:of|for|on) .+",
        answer("Say the priority, too: `set priority of milk to high`."),
    ),
    (r"prioriti[sz]e (.+)|star (.+)", with_target(_set_high_priority)),
    (r"de-?prioriti[sz]e (.+)|unstar (.+)", with_target(_set_low_priority)),
    (r"(?:mark|make|flag|set) (.+?) (?:as )?(?:not|un)[ -]?(?:urgent|important)", with_target(_clear_priority)),
    (
        r"(?:mark|make|flag|set) (.+?) (?:as |to )?(?:very |really |most |top )?(?:urgent|important)",
        with_target(_set_high_priority),
    ),
    (r"(.+?) (?:is|are) (?:very |really |now |most )*(?:urgent|important)", with_target(_set_high_priority)),
)
"""Rules that change or remove a priority: `set priority of milk to high`, `set milk p2`, `prioritize milk`."""
NOTE_AND_TAG_RULES: Final = compile_rules(*_DESCRIPTION_RULES, *_TAG_RULES)
"""Rules for descriptions and tags. Some begin with `add`, so they come before those for new todos."""
TITLE_AND_PRIORITY_RULES: Final = compile_rules(*_PRIORITY_RULES, *_TITLE_RULES)
