"""The sentences of a language: patterns of words and places, from its file, with the English commands that they mean.

`hake {target} ab` is a pattern. `(a|b)` stands for one of several words, and `[a]` for words that may be left out.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from todo_assistant.phrases.languages.lexicon import LANGUAGES, load_lexicon, split_list
from todo_assistant.phrases.languages.tokens import fold

_CHOICE: Final = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
"""Finds the first choice or optional part of a pattern."""
_PLACE: Final = re.compile(r"\{(\w+)\}")
_BETWEEN_WORDS: Final = re.compile(r"[\s()\[\]|:]+")
_MAX_SPLITS: Final = 10
"""Places between two words at which a target may end and a date may begin; the longest date counts."""

type Places = tuple[tuple[str, str], ...]
"""The names of the places of a pattern with the words there."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sentence with at most two places, each with literal text before and after."""

    literals: tuple[str, ...]
    places: tuple[str, ...]
    english: str
    is_uncertain: bool
    """True if the sentence may also be the title of a new todo, as infinitives are."""

    def match(self, folded: str, line: str) -> Iterator[Places]:
        """Yields the words of the line in each place, for each way in which the folded line fits."""
        first, last = self.literals[0], self.literals[-1]
        end = len(folded) - len(last)
        if not self.places:
            if folded == first:
                yield ()
        elif folded.startswith(first) and folded.endswith(last) and len(first) < end:
            if len(self.places) == 1:
                yield ((self.places[0], line[len(first) : end].strip()),)
            else:
                yield from self._split(folded, line, len(first), end)

    def _split(self, folded: str, line: str, start: int, end: int) -> Iterator[Places]:
        middle = self.literals[1]
        splits = [found.start() for found in re.finditer(re.escape(middle), folded[:end])]
        for split in splits[-_MAX_SPLITS:]:
            before, after = line[start:split].strip(), line[split + len(middle) : end].strip()
            if before and after and split >= start:
                yield (self.places[0], before), (self.places[1], after)


@dataclass(frozen=True, slots=True)
class Sentences:
    """All sentences of a language, by their first word, or by their last word if they begin with a place."""

    language: str
    by_first: dict[str, list[Pattern]]
    by_last: dict[str, list[Pattern]]
    verbs: frozenset[str]
    """First words with which a line is a command even if no sentence fits."""
    final_verbs: frozenset[str]
    """Last words with which a line is a command even if no sentence fits."""
    questions: frozenset[str]
    """Words with which a question begins."""
    polite: tuple[str, ...]
    articles: tuple[str, ...]
    endings: tuple[str, ...]
    """Words at the end of a target that do not belong to its title: `von meiner Liste`."""
    targets: dict[str, str]
    """Folded words for a group of todos or for `it`, with their English translations."""
    all_of: tuple[str, ...]
    """Words for `all` in front of a tag or a title."""
    help: str
    """The answer that says which sentences are understood, in the language."""

    def candidates(self, folded: str) -> list[Pattern]:
        """Returns the patterns that a folded line may fit, judged by its first and its last word.

        The patterns with most literal text come first, so that `ist` in `Milch ist erledigt` is no word of the title.
        """
        words = folded.split()
        if not words:
            return []
        patterns = [*self.by_first.get(words[0].rstrip(":"), ()), *self.by_last.get(words[-1], ())]
        return sorted(patterns, key=lambda pattern: -sum(map(len, pattern.literals)))


@cache
def edge_words(language: str) -> frozenset[str]:
    """Returns the words of all sentences of a language, among them those with which a sentence may begin or end.

    Patterns are not expanded for this, because most texts are in no other language.
    """
    data = load_lexicon(language).sentences
    patterns = [text for table in ("commands", "maybe") for texts in data[table].values() for text in texts]
    lists = (data["verbs"], data.get("final_verbs", ""), data["questions"], data["polite"])
    return frozenset(_normalize(word) for text in (*patterns, *lists) for word in _BETWEEN_WORDS.split(text))


@cache
def known_words(language: str) -> frozenset[str]:
    """Returns the words of the sentences of a language, its articles and the first words of its dates."""
    lexicon = load_lexicon(language)
    return (
        edge_words(language)
        | {_normalize(word) for word in split_list(lexicon.sentences["articles"])}
        | {*lexicon.meanings}
    )


@cache
def load_words() -> None:
    """Reads the files of all languages, which takes some 50 ms once. Else the first text waits for them."""
    for language in LANGUAGES:
        known_words(language)


@cache
def load_sentences(language: str) -> Sentences:
    """Returns the sentences of a language. The first call builds them from its file, in a few milliseconds."""
    data = load_lexicon(language).sentences
    by_first: dict[str, list[Pattern]] = {}
    by_last: dict[str, list[Pattern]] = {}
    for table, is_uncertain in (("commands", False), ("maybe", True)):
        for english, sentences in data[table].items():
            for text in (text for sentence in sentences for text in _expand(_normalize(sentence))):
                pattern = _compile(text, english, is_uncertain=is_uncertain)
                if words := pattern.literals[0].split():
                    by_first.setdefault(words[0].rstrip(":"), []).append(pattern)
                else:
                    by_last.setdefault(text.split()[-1], []).append(pattern)
    return Sentences(
        language=language,
        by_first=by_first,
        by_last=by_last,
        verbs=frozenset(map(_normalize, split_list(data["verbs"]))),
        final_verbs=frozenset(map(_normalize, split_list(data.get("final_verbs", "")))),
        questions=frozenset(map(_normalize, split_list(data["questions"]))),
        polite=_longest_first(data["polite"]),
        articles=_longest_first(data["articles"]),
        endings=_longest_first(data["endings"]),
        targets={
            _normalize(words): english for english, listed in data["targets"].items() for words in split_list(listed)
        },
        all_of=_longest_first(data["all_of"]),
        help=data["help"],
    )


def _normalize(words: str) -> str:
    return fold(unicodedata.normalize("NFC", words))


def _longest_first(words: str) -> tuple[str, ...]:
    return tuple(sorted(map(_normalize, split_list(words)), key=len, reverse=True))


def _expand(pattern: str) -> Iterator[str]:
    """Yields the pattern with each combination of its choices and optional parts, with single spaces."""
    found = _CHOICE.search(pattern)
    if found is None:
        yield " ".join(pattern.split())
        return
    for choice in found[1].split("|") if found[1] is not None else ["", *found[2].split("|")]:
        yield from _expand(f"{pattern[: found.start()]}{choice}{pattern[found.end() :]}")


def _compile(text: str, english: str, *, is_uncertain: bool) -> Pattern:
    literals = _PLACE.split(text)
    return Pattern(tuple(literals[::2]), tuple(literals[1::2]), english, is_uncertain)
