"""Lines that are no certain titles: commands that no rule fits, statements about a todo, and talk."""

import re
from collections.abc import Sequence
from typing import Final

from todo_assistant.commands.grammar.past_verbs import BARE_PAST_VERB

_COMMAND_STARTS: Final[Sequence[str]] = (
    r"move|rename|re-?name|tag|untag|unlabel|push(?! (?:ups?|to)\b)|complete|un-?mark",
    r"mark(?! (?:essays?|exams?|papers?|tests?|homework|quizz?(?:es)?|.* in (?:my |the )?calendar)$)|snooze|postpone",
    r"re-?schedule|unschedule|delete|restore|undelete|undo|un-?check|un-?tick|re-?open|un-?star|de?prioriti[sz]e",
    r"prioriti[sz]e|duplicate|un-?pin|un-?flag|defer|un-?do|unset|erase",
    r"set(?! (?:(?:the|an?|my) )?(?:table|alarms?|timer|goals?|boundaries|budget|trap|heating|thermostat|clocks?)\b)",
    r"make(?= .* (?:first|last|earlier|later|sooner|urgent|important|due|recurring|undated|repeat|weekly|daily|done)$)",
    r"put(?= .* (?:first|last|on hold|at the (?:top|bottom|end)|higher|lower)$)",
    r"change(?= .* (?:to|from|into|priority|title|name|due|date|deadline|tags?|project)\b)",
    r"make(?= .* (?:the|my) (?:first|last|next|top|main) )",
    r"give(?= .* (?:priority|tag|label|deadline|due date)\b)",
    r"take(?= .* (?:off (?:the|my) (?:list|agenda|plan)|off (?:today|tomorrow)|off)$)",
    r"remove(?= .* from )",
    r"(?:increase|raise|lower|decrease|reduce)(?= .* priority$)",
    r"update(?= .* (?:to|date|time|deadline)\b)",
    r"edit(?= (?:the |its )?(?:time|date|title|name|deadline|priority)\b)",
    r"(?:the )?(?:priority|due date|deadline|date|title|tags?|reminder|recurrence|project) (?:of|for|on)",
)
"""Beginnings of commands. A line with such a beginning that no rule could parse is no certain title."""
_TITLE_VERBS: Final = frozenset(
    """
    add apply arrange ask assemble attend back bake be begin bike book borrow bring brush build buy calculate call
    celebrate charge check choose clarify clean collect compare complain confirm contact convince cook count create
    cut debug decide declutter decorate define deliver design determine develop dig discuss do document donate download
    draft draw drink drive drop dry dust eat edit email encourage ensure evaluate exchange exercise explain explore feed
    fetch figure file fill find finish fix fold follow forward gather get give go google grab greet harvest have help
    hire identify implement improve inform inspect install investigate invite iron join jog keep know learn lend let
    listen lock look make measure meet message mow note notify observe offer open order organise organize pack paint
    pay phone pick plan plant play polish post practice practise pray prepare print proofread prove publish pull
    purchase put read rearrange rebuild recharge record recycle refill register release remember remind rent repair
    replace reply report repot request research reserve resolve return review ride run save say scan schedule see sell
    send sew share ship show sign sing solve sort speak start stop stretch study submit suggest summarise summarize
    support talk teach tell test text thank think tidy touch train transfer translate try turn understand unpack update
    upload use vacuum verify visit wait wake walk want warn wash watch water wear weed win wipe withdraw work wrap write
    """.split()  # noqa: SIM905 - one word per item would take 200 lines
)
"""Verbs with which titles begin. What follows is no statement: `check if the car is insured`."""
_ALSO_NOUNS: Final = frozenset(
    (
        *("bike", "book", "call", "check", "cook", "drink", "email", "film", "offer", "order", "paint", "plan", "post"),
        *("practice", "record", "rent", "report", "request", "research", "review", "show", "study", "support", "test"),
        *("text", "visit", "wash", "watch", "work"),
    )
)
"""Verbs of titles that are nouns, too: `report looks good`."""
_SUBORDINATE: Final = re.compile(
    r"\b(?:if|whether|what|who|how|why|when|where|because|which|until|till|after|before|while|once|so)\b", re.IGNORECASE
)
_NOT: Final = r"(?:n['\u2019]?t| not)?"
_ADVERB: Final = r"(?:already|still|finally|never|almost|nearly|really)"
_FOLLOWING: Final = (
    r"(?= (?:me|us|him|her|it|them|you|the|my|our|your|his|their|an?|to|on|in|at|up|down|back|off|out|over|away|again"
    r"|by|for|from|with|about|today|yesterday|already|now|last|this|early|late|too|so|very|well)\b|$)"
)
"""Matches before the words that follow a verb, and not a noun: `called me`, but not `invited guests`."""
_IRREGULAR_PAST: Final = (
    r"went|took|came|got|said|gave|broke|forgot|told|fell|ran|made|did|sent|paid|bought|brought|sold|spoke|wrote|drove"
    r"|became|began|knew|thought|lost|won|left|met|threw|ate|woke|froze|stole|kept|found|felt|hit"
)
_VERBLESS_ED: Final = r"(?:bed|red|shed|fed|wed|sled|med|hundred|sacred|naked|wicked|moped|infrared|united)\b"
"""Matches words that end with `ed` and are no past form."""
_COPULA: Final = re.compile(
    rf"(?:['\u2019]s(?= (?:an?|the|not|no|gone|too|so|very|been|all|good|bad|great|fine|broken|late|{_ADVERB})\b)"
    rf"| (?:(?:is|are|was|were|has|have|had|does|did|will|would|should|could|must){_NOT}|ain['\u2019]?t"
    r"|wo(?:n['\u2019]?t)|ca(?:n['\u2019]?t|nnot)|gets|needs|takes|can|looks|seems|feels|sounds|sucks|wants|hates|loves"
    rf"|likes|keeps|means|says)(?= \S|$)"
    r"| (?:look|seem) (?!for\b|at\b|up\b|book\b|like\b)(?=\S)"
    r"| (?:expires|comes|goes|runs|starts|ends|begins|hurts|smells|leaks|arrives|leaves|closes|opens|happens|depends)"
    r"(?= (?:soon|now|today|tomorrow|tonight|on|at|in|out|up|off|down|to|the|my|me|from|again)\b|$)"
    r"|['\u2019]s \w+ing(?= (?:up|on|out|off|down|me|us|over|again)\b)"
    rf"| {_ADVERB} (?=\S)| not (?=\S)| (?:{_IRREGULAR_PAST})(?= \S|$)"
    rf"| (?!{_VERBLESS_ED})\w{{2,20}}(?<!e)ed{_FOLLOWING})",
    re.IGNORECASE,
)
"""Finds the verb of a statement: `is` in `rent is high priority`, `cancelled` in `the dentist cancelled on me`."""
_STATE: Final = re.compile(
    rf"(?: (?:is|are|was|were){_NOT}| (?:can|should|could|must|needs to|has to)(?: be)?)(?: {_ADVERB})?"
    r" (?:overdue|late|due|done|finished|deleted|removed|moved|postponed|cancell?ed|delayed|urgent|important|needed"
    r"|unnecessary|obsolete|irrelevant|blocked|wrong|next|first|ready|pointless|boring|hard|easy|difficult|wait)\b",
    re.IGNORECASE,
)
"""Finds what is said of a todo, also after a title that begins with a verb: `water plants is overdue`."""
_MAX_SUBJECT_WORDS: Final = 6
_APPOINTMENT: Final = r"(?:i|we)(?:['\u2019]ve| have)(?: got)? (?:an?|my|our|another) "
"""Matches the beginning of `i have a meeting`, which is a new todo."""
_PRONOUN_STATEMENT: Final = re.compile(
    rf"(?!{_APPOINTMENT})(?:(?:i|you|he|she|we|they)(?:['\u2019](?:m|re|s|ve|ll|d))?|im|ive|youre"
    r"|(?:it|that|this|those|these|there|everything|everyone|nothing|something|someone|nobody|one)"
    r"(?:['\u2019](?:s|re|ll|d)| (?:is|are|was|were|has|have|had|does|did|will|would|can|should|must|got|looks|feels"
    r"|seems|sounds|works|needs|takes|makes|sucks|went|came)(?:n['\u2019]?t)?)"
    r"|(?:my|your|his|her|our|their) \S+ (?:is|are|was|were))(?= |$).*",
    re.IGNORECASE,
)
"""Matches a sentence with a pronoun as its subject: `I'm so tired`, `that was quick`."""
_INTERJECTION: Final = re.compile(
    r"(?:(?:no|nope|nah) (?:i|not|it|that|this|we|you|its|the)|oh|ah|wow|ugh+|damn|jeez|dude|lol|haha|argh|omg|wtf"
    r"|come on|what an?|how (?:nice|sad|funny|annoying)|never mind|(?:good|bad|silly|nice|smart) (?:bot|boy|girl|try)"
    r"|i said|thx|thanks|cheers|still|almost|nearly|need (?:more|extra) time"
    r"|(?:give|tell|show) me|so (?:many|much|tired|busy)"
    r"|too (?:many|much|late|early)|(?:thinking|wondering|hoping|trying) (?:about|of|if|to|that))\b.*",
    re.IGNORECASE,
)
"""Matches talk that goes on after its first words: `oh come on`, `no i said friday`."""
_CORRECTION_END: Final = re.compile(r".+ (?:instead|any ?more|already|after all)[.!]*", re.IGNORECASE)
"""Matches lines that correct something said before: `dentist on friday instead`."""
_TALK: Final = re.compile(
    r"(?:h+m+|u+m+|u+h+|e+r+m*|a+h+|o+h+|we+ll|so+|huh|meh|ugh+|lol+|ha(?:ha)+h?|hehe|wow|yay|omg|wtf|damn|shit"
    r"|fuck(?: (?:you|off|this|it))?|idiot|(?:stupid|dumb)(?: (?:bot|thing|app|machine))?|useless|whatever"
    r"|bla(?: ?bla)*|testing|really|seriously|anyway|maybe|perhaps|interesting|funny|welcome|congrats|bravo|boo|right"
    r"|you suck|i (?:hate|love) (?:you|this)|shut up|go away"
    r"|never|always|because|and|or|but|then|sure thing|lmao|rofl|wrong|later|try again|same|true"
    r"|false|exactly|(?:today|tomorrow) then|of course not|all (?:good|done)|nothing to do"
    rf"|{BARE_PAST_VERB}|(?:nothing|anything) else|earlier|same (?:time|day|again)|no idea|dunno|idk"
    r"|nothing|something|anything|none)"
    r"(?:[ ,.!]+(?:then|now|so|well|bot|yes|no|ok))?[ .!,\u2026]*",
    re.IGNORECASE,
)
"""Matches words that say nothing about todos: `hmm`, `so`, `stupid bot`."""
_CODE: Final = re.compile(r"\{.*\}|\[(?! ?x? ?\]).*\]|<[^<>]*>(?:.*</?[^<>]*>)?", re.IGNORECASE)
"""Matches text for programs: `{"name": "list"}`, `<b>milk</b>`."""
_PICTURES: Final = re.compile(r"[^\w\s\"'#@/(\[]{1,20}")
"""Matches a line of a few pictures alone: `👍`."""
_PAST_REPORT: Final = re.compile(
    rf"(?:{BARE_PAST_VERB} (?:everything|all|both|it|them)"
    r"|(?:just|already|finally) \S+(?:ed|t|[aeou]ng|ew|ank|ote|old|ent|ound|ought)"
    r"|(?!(?:need|feed|seed|weed|speed|breed|embed|proceed|exceed|succeed)\b)[a-z]{3,20}(?<!e)ed"
    r" (?:the|my|our|your|his|her|their|an?|all|both|this|that|these|those|mum|mom|dad|him|them|it|up|off|out|in|down"
    r"|back|for|with|by|at|from|to))(?= ).*",
    re.IGNORECASE,
)
"""Matches reports of something done: `renewed the passport`, `just ran 5k`."""
_COMMAND: Final = re.compile(rf"(?P<verb>{'|'.join(_COMMAND_STARTS)})(?: (?P<subject>.+)|$)", re.IGNORECASE)
_AFTER_SUBJECT: Final = re.compile(r" (?:to|from|out of|off|into|as|for|in|on|under|with)\b.*", re.IGNORECASE)

_FIRST_WORDS: Final = re.compile(
    r"(?:put|alarm for|remind|link|no(?: (?:date|time|need) for)?|for|skip|bump|strike|clone|pin|flag|swap"
    r"|merge|ignore|leave|let|not|rather|about"
    r"|under|below|also|and|could(?:n['\u2019]?t| not)|let['\u2019]?s(?: do| have)?"
    r"|edit|update|reset|increase|decrease|raise|lower"
    r"|(?:(?:do )?the )?same (?:for|with|to)"
    rf"|do(?= (?:{'|'.join(sorted(_TITLE_VERBS))}) \S)"
    r"|stop showing(?: me)?|no more|hide|pause|resume|continue(?: with)?|adjust|correct|more time for)"
    r" (?:the |my )?(?:(?:time|date|day|priority|title|due date|name)(?: of| for)? (?:the |my )?)?",
    re.IGNORECASE,
)
"""Matches words before the name of a todo that may be a new title, too: `edit dentist`."""
_LAST_WORDS: Final = re.compile(
    r"(?: (?:again|first|last|next|then|now|too|as well|instead(?: of .*)?|done(?: .*)?|priority|not .*|please|earlier"
    r"|out|for now|without .*|high|low|medium|urgent|important|cancell?ed|postponed|moved|delayed|(?:to|until|on) \w+"
    r"|later|is|->.*|=>.*|=.*|\u2192.*)|:)+$",
    re.IGNORECASE,
)
"""Matches words after the name of a todo that may end a title, too: `dentist first`."""


def is_talk(line: str) -> bool:
    """Returns whether a line is talk, pictures or code, and so neither a command nor a title."""
    return any(pattern.fullmatch(line) for pattern in (_TALK, _CODE, _PICTURES))


def find_subject(line: str) -> str | None:
    """Returns the subject of an uncertain line, or None if the line may be stored as a title.

    The subject is `rent` in `rent is high priority` and in `bump rent`. It is empty if the line has none.
    """
    if command := _COMMAND.fullmatch(line):
        return _AFTER_SUBJECT.sub("", command["subject"] or "")
    if any(pattern.fullmatch(line) for pattern in (_PRONOUN_STATEMENT, _PAST_REPORT, _INTERJECTION)):
        return ""
    if re.match(_APPOINTMENT, line, re.IGNORECASE):
        return None
    if (subject := _find_statement_subject(line)) is not None:
        return subject
    return "" if _CORRECTION_END.fullmatch(line) else None


def find_possible_subject(title: str, *, has_fields: bool) -> str | None:
    """Returns the words of a title that may name an open todo, or None if there are none.

    They are the title itself beside a date or a tag, as in `dentist friday`, or what is left of `edit dentist`.
    """
    rest = _LAST_WORDS.sub("", _FIRST_WORDS.sub("", title, count=1)).strip(" :=-")
    return rest if rest and (has_fields or rest != title) else None


def _find_statement_subject(line: str) -> str | None:
    """Returns the subject of a statement such as `the car is dirty`, or None for any other line."""
    first, _, rest = line.partition(" ")
    verb = (_STATE if _is_title_verb(first, rest) else _COPULA).search(line)
    if verb is None or verb.start() == 0:
        return None
    subject = line[: verb.start()]
    is_clause = _SUBORDINATE.search(subject) is not None or ":" in subject
    return None if is_clause or len(subject.split()) > _MAX_SUBJECT_WORDS else subject


def _is_title_verb(word: str, rest: str) -> bool:
    """Returns whether the first word is a verb of a title, and not a noun before its own verb: `call is over`."""
    if re.match(r"(?:is|are|was|were|has|can|should|isn['\u2019]?t)\b", rest):
        return False
    is_noun = word.lower() in _ALSO_NOUNS and _COPULA.match(f" {rest}") is not None
    return not is_noun and (word.lower() in _TITLE_VERBS or word.lower().startswith("re-"))
