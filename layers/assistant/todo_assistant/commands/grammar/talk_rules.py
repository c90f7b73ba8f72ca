"""Rules for words that change no todo: talk, help, undo, and commands that are negated."""

import re
from typing import Final

from todo_assistant.commands.grammar.commands import Help, Redo, Talk, Undo
from todo_assistant.commands.grammar.rules import always, answer, compile_rules
from todo_assistant.commands.grammar.spans import IsReadable

_STEPS: Final = {"twice": 2, "two": 2, "both": 2, "three": 3, "four": 4, "five": 5, "once": 1}
_MAX_STEPS: Final = 20
"""The most steps that one command undoes, to bound its time. A larger number is no command."""
_CHANGE: Final = (
    r"(?:(?:one|change|command|action|step|thing|edit|deletion|delete|completion|completing|move|rename"
    r"|add|addition)s?)"
)
"""Matches a noun for an earlier command: `change`, `the last deletion`."""
_COUNT: Final = r"(?P<steps>\d{1,4}|two|three|four|five)"
_LAST: Final = (
    rf"(?: (?:that|it|this|last|my last|the last|please|again|(?:my |the |that |this )?(?:last )?{_CHANGE}"
    r"|what (?:i|you) (?:just )?did|(?:that|it) again))?"
)
"""Matches words for the last change, or no words: ` that`, ` the last change`."""
_SEVERAL: Final = rf"(?: (?:the |my )?(?:last )?{_COUNT}(?: (?:times|{_CHANGE}))?|(?: (?:that|it))? (?P<times>twice))"
"""Matches words for several last changes: ` the last two`, ` twice`, ` 3 times`."""
_GREETING: Final = (
    r"(?:hi|hello|hey|hiya|yo|howdy|greetings|good (?:morning|afternoon|evening|day)|how are you(?: doing)?"
    r"|sup)(?: (?:there|all|everyone|assistant|again|bot|you|doing|today))*|what\W?s up"
)
_THANKS: Final = (
    r"(?:many )?(?:thanks|thank you|thx|ty|cheers|cool|great|nice|perfect|awesome|wonderful|excellent|well done"
    r"|good (?:job|work)|nice (?:one|work)|love it|got it|super|that(?:\W?s| is) (?:great|nice|perfect|all|it))"
    r"(?:,? (?:so much|a lot|very much|again|thanks|thank you|job|work|one|for (?:that|this|your help|the help)))*"
)
_BYE: Final = (
    r"(?:bye(?: bye)?|goodbye|good night|see (?:you|ya)|cya|talk (?:to you )?later)(?: (?:later|soon|tomorrow|then))?"
)
_YES: Final = (
    r"(?:yes|yep|yeah|yup|sure|ok|okay|okey|approved?|confirm(?:ed)?|agreed?|go ahead|do (?:it|that|so)|go for it"
    r"|proceed|continue|please do|correct|right|of course|absolutely|sounds good|fine|accept|definitely|alright"
    r"|all right|y|k|go on|i (?:approve|agree|confirm)|makes sense)"
)
_NO: Final = (
    r"(?:no|nope|nah|no way|not (?:now|yet|really|that)|n|reject|refuse|decline|disapprove|better not|no thanks)"
)
_STOP: Final = (
    r"(?:stop|cancel|never ?mind|nvm|forget (?:it|that|about it)|abort|quit|exit|leave (?:it|that|them)|enough|wait"
    r"|sorry|scratch that|ignore (?:that|it)|nothing|no worries|skip(?: it| that)?|cancel (?:that|the question))"
)
_END: Final = r"(?:,? (?:it|that|this|everything|please|now|then|thanks|thank you|all)){0,3}"
"""Matches words after an answer that add nothing: ` please`."""
_NEGATED: Final = (
    r"(?:(?:please|no|stop|wait|and|but|so)[, ]{1,2}){0,4}(?:do not|don\W?t|dont|never|you (?:should"
    r"|must) not|no need to)"
    r" (?:ever |please |actually )?(?:delete|remove|complete|finish|mark|move|re-?schedule|postpone|rename|tag|untag"
    r"|restore|reopen|trash|clear|check|tick|change|do (?:that|it|this|anything)|snooze|delay|push|set|add|create"
    r"|undo|approve|erase|cancel|repeat|drop|archive|edit|update|shift|defer|complete)\b(?! up\b).*"
)
"""Matches a command that is negated, which changes nothing: `don't delete milk`."""


def _parse_undo(found: re.Match[str], _: IsReadable) -> Undo | None:
    steps = _read_steps(found)
    return Undo(steps) if steps else None


def _parse_redo(found: re.Match[str], _: IsReadable) -> Redo | None:
    steps = _read_steps(found)
    return Redo(steps) if steps else None


def _read_steps(found: re.Match[str]) -> int | None:
    """Returns the number of steps that the words name, from 1 to 20, or None for another number."""
    words = (found["steps"] or found["times"] or "once").lower()
    steps = int(words) if words.isdecimal() else _STEPS[words]
    return steps if 1 <= steps <= _MAX_STEPS else None


TALK_RULES: Final = compile_rules(
    (rf"{_GREETING}", always(Talk("greeting"))),
    (rf"{_THANKS}", always(Talk("thanks"))),
    (rf"{_BYE}", always(Talk("bye"))),
    (rf"(?:{_YES}[, ]+){{0,3}}{_YES}{_END}", always(Talk("yes"))),
    (rf"(?:{_NO}[, ]+){{0,3}}{_NO}{_END}", always(Talk("no"))),
    (rf"(?:{_NO}[, ]+)?{_STOP}(?:[, ]+{_STOP})?{_END}", always(Talk("stop"))),
    (r"(?:please )?(?:do not|don\W?t|dont)(?: do (?:it|that|this|anything))?", always(Talk("no"))),
)
"""Rules for talk: `hello`, `thanks`, `yes`, `never mind`."""
NEGATION_RULES: Final = compile_rules((_NEGATED, always(Talk("no"))))
"""The rule for negated commands, which comes after the rules for `don't repeat milk` and `don't remind me`."""
HISTORY_RULES: Final = compile_rules(
    (rf"(?:undo|revert|roll ?back)(?:{_SEVERAL}|{_LAST})(?: again)?", _parse_undo),
    (
        r"go back|take (?:that|it|this) back|change (?:that|it) back|put (?:that|it) back(?: how it was)?",
        always(Undo()),
    ),
    (r"i (?:did(?:n\W?t| not) mean|take) (?:that|to do that|it|that back|it back)", always(Undo())),
    (rf"(?:redo|re-do)(?:{_SEVERAL}|{_LAST})", _parse_redo),
    (r"undo the undo", always(Redo())),
    (
        r"(?:oops|whoops|oh no|(?:that|this|it) was (?:wrong|a mistake|not what i (?:meant|wanted)))",
        answer("Type `undo` to take back the last change.", "undo"),
    ),
    (
        (
            r"help(?: me)?(?: please)?|\?+|what (?:all )?can (?:you|i) (?:do|say|type|ask)(?: here)?|commands"
            r"|how (?:does|do) (?:this|it|you|i) (?:work|use (?:this|it|you))|how (?:can|do) i use (?:this|it|you)"
            r"|(?:show|list)(?: me)? (?:the |all )*(?:help|commands)|man|usage|instructions|what (?:do|can) you"
            r" (?:do|understand)"
        ),
        always(Help()),
    ),
)
"""Rules for `undo`, `redo` and `help`."""
