"""Translates dates and recurrences of other languages to the English phrases that `parse_date` understands."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from todo_assistant.phrases.languages.clocks import hour_of_part, write_clock, write_part
from todo_assistant.phrases.languages.items import Item, find_items, is_evidence
from todo_assistant.phrases.languages.lexicon import LANGUAGES, Lexicon, load_lexicon
from todo_assistant.phrases.languages.pieces import CERTAIN, LIKELY, WEAK, Piece, read_piece
from todo_assistant.phrases.languages.tokens import Token, fold, fold_words, split_tokens

_MAX_PHRASES: Final = 8
"""Phrases that are translated in one line."""
_ENGLISH_WORDS: Final = frozenset(
    """
    about after and ask at before book buy by call check clean email find fix for from get give her his it its make
    meet my of order our pay pick read send take tell that the their this to until visit was watch were with write
    you your
    """.split()  # noqa: SIM905 - many quoted strings are harder to read
)
"""Words that show that a line is English: a single word of another language in it is then a name."""
_BEFORE_TITLES: Final = "JnTH"
"""Kinds of items after which a date belongs to the title: `premier lundi`, the end of `de 17h à 19h`."""
_MIN_EVIDENCE_IN_ENGLISH: Final = 2


@dataclass(frozen=True, slots=True)
class TranslatedPhrase:
    """A date or a recurrence in a line, from `start` to `end`, and the same in English."""

    english: str
    start: int
    end: int
    language: str
    """The name of the language's file."""
    is_dotted: bool = False
    """True for a date such as `am 5.12.` or `le 5 mars`, which shows the language without a word of its own."""


def find_phrases(line: str, language: str | None = None) -> Sequence[TranslatedPhrase]:
    """Returns the dates and recurrences of a line in the language that fits the line best; none for English.

    `line` must be in the normal form NFC. If `language` is given, the line is known to be in this language.
    """
    tokens = list(split_tokens(fold(line)))
    if language:
        lexicon = load_lexicon(language)
        return list(
            islice(_find_phrases(line, find_items(line, tokens, lexicon), lexicon, is_known=True), _MAX_PHRASES)
        )
    is_english = any(token.text in _ENGLISH_WORDS for token in tokens)
    best: Sequence[TranslatedPhrase] = ()
    best_score = (0, 0)
    for lexicon in _find_candidates(line, tokens):
        items = find_items(line, tokens, lexicon)
        phrases = list(islice(_find_phrases(line, items, lexicon), _MAX_PHRASES))
        evidence = sum(item.evidence for item in items) + sum(phrase.is_dotted for phrase in phrases)
        needed = _MIN_EVIDENCE_IN_ENGLISH if is_english else lexicon.min_evidence
        score = (evidence, sum(phrase.end - phrase.start for phrase in phrases))
        if phrases and evidence >= needed and score > best_score:
            best, best_score = phrases, score
    return best


def translate_phrase(phrase: str, language: str | None = None) -> Iterator[str]:
    """Yields the English translations of a phrase that is a date or a recurrence as a whole, by language.

    If `language` is given, only this language is tried.
    """
    text = unicodedata.normalize("NFC", phrase)
    tokens = list(split_tokens(fold(text)))
    for lexicon in [load_lexicon(language)] if language else _find_candidates(text, tokens):
        items = find_items(text, tokens, lexicon)
        clusters = list(_find_clusters(items, lexicon))
        if len(clusters) == 1 and _covers(clusters[0], items):
            yield _write_english(clusters[0], lexicon)


def _find_candidates(text: str, tokens: Sequence[Token]) -> Iterator[Lexicon]:
    """Yields the languages that a text may be in: it has their words that are no English, or a date with a month."""
    words = {token.text for token in tokens}
    foreign_words = {token.text for token in tokens if is_evidence(token, text)}
    kinds = {token.kind for token in tokens}
    is_dotted = not kinds.isdisjoint({"numeric", "ordinal", "dotted"})
    for language in LANGUAGES:
        lexicon = load_lexicon(language)
        has_month = "number" in kinds and not words.isdisjoint(lexicon.months)
        if has_month or not (words if is_dotted else foreign_words).isdisjoint(lexicon.words):
            yield lexicon


def _find_phrases(
    line: str, items: Sequence[Item], lexicon: Lexicon, *, is_known: bool = False
) -> Iterator[TranslatedPhrase]:
    """Yields the dates and recurrences among the items. `is_known` is true if the line is certainly in the language."""
    for cluster in _find_clusters(items, lexicon):
        first, last = cluster[0].first, cluster[-1].last
        within = items[first:last]
        start, end = within[0].start, within[-1].end
        is_dotted = _is_dotted(within, lexicon)
        if not (is_known or is_dotted or any(item.evidence for item in within)):
            continue
        if _is_date(cluster, items) and not _is_in_title(line, items, first, last, lexicon):
            yield TranslatedPhrase(_write_english(cluster, lexicon), start, end, lexicon.language, is_dotted)


def _is_dotted(items: Sequence[Item], lexicon: Lexicon) -> bool:
    """Returns whether the items are a date such as `am 5. April`, `le 5 mars` or `el 5/12`, which is no English."""
    has_dot = lexicon.has_dotted_days and any(item.kind == "O" for item in items)
    return items[0].kind in "obi" and (has_dot or any(item.kind in "MZ" for item in items))


def _is_in_title(line: str, items: Sequence[Item], first: int, last: int, lexicon: Lexicon) -> bool:
    """Returns whether the words around a date make it part of a title: `guten Morgen`, `Morgen-Zeitung`, `Domingo`."""
    start, end = items[first].start, items[last - 1].end
    if not _has_borders(line, start, end):
        return True
    before = items[first - 1] if first else None
    if before and (before.kind in _BEFORE_TITLES or fold_words(line[before.start : before.end]) in lexicon.title_words):
        return True
    is_name = last - first == 1 and line[start].isupper() and not line.isupper()
    return is_name and first > 0 and lexicon.has_lowercase_days


def _find_clusters(items: Sequence[Item], lexicon: Lexicon) -> Iterator[list[Piece]]:
    """Yields groups of pieces that stand side by side, at most a comma apart: `morgen, um 17 Uhr`."""
    kinds = "".join(item.kind for item in items)
    cluster: list[Piece] = []
    position = 0
    while position < len(items):
        piece = read_piece(items, kinds, position, lexicon)
        if piece is None:
            if cluster and kinds[position] != ",":
                yield cluster
                cluster = []
            position += 1
            continue
        if any(other.role == piece.role for other in cluster):
            yield cluster
            cluster = []
        cluster.append(piece)
        position = piece.last
    if cluster:
        yield cluster


def _is_date(cluster: Sequence[Piece], items: Sequence[Item]) -> bool:
    """Returns whether a group of pieces is certainly a date and no words of a title."""
    level = max(piece.level for piece in cluster)
    if any(piece.role == "span" for piece in cluster):
        return False
    if level == CERTAIN:
        return True
    if level == WEAK or len(cluster) > 1:
        return level == LIKELY
    following = items[cluster[-1].last].kind if cluster[-1].last < len(items) else ""
    begins_line = all(item.kind in "#!," for item in items[: cluster[0].first])
    return following not in {"?", "n"} or (begins_line and items[cluster[0].first].kind != "o")


def _has_borders(line: str, start: int, end: int) -> bool:
    """Returns whether words begin and end at these places: not `morgen` in `Morgen-Zeitung` or `#morgen`."""
    before, after = line[max(0, start - 1) : start], line[end : end + 2]
    return before not in {"-", "'", "\u2019", "#", "@", "/", ".", "_"} and not (
        after[:1] in {"-", "'", "\u2019", "/", "_"} and after[1:].isalpha()
    )


def _covers(cluster: Sequence[Piece], items: Sequence[Item]) -> bool:
    """Returns whether the pieces are all items of a phrase, except commas and final marks."""
    inside = {index for piece in cluster for index in range(piece.first, piece.last)}
    return all(index in inside or item.kind in ",!" for index, item in enumerate(items))


def _write_english(cluster: Sequence[Piece], lexicon: Lexicon) -> str:
    """Returns the English phrase of a group of pieces: the recurrence or the day, then the time."""
    by_role = {piece.role: piece for piece in cluster}
    part = by_role["part"].text if "part" in by_role else None
    frame = " ".join(by_role[role].text for role in ("recurrence", "day", "span") if role in by_role)
    if "time" in by_role and (clock := by_role["time"].clock):
        written = write_clock(clock, part, has_24_hours=lexicon.has_24_hours)
        return f"{frame} at {written}".strip()
    if part is None:
        return frame
    if "recurrence" in by_role:
        return f"{frame} at {hour_of_part(part)}"
    if frame == "today":
        return "tonight" if part == "night" else f"this {part}"
    return f"{frame} {part}" if frame else write_part(part)
