"""Checks the words of comments and docstrings: no riddles, no fragments, short sentences.

Usage: `plain_words.py FOLDER...` prints one line per fault and exits with 1 if there is any.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_SENTENCE_WORDS: Final = 20
MAX_WHAT_PER_100_WORDS: Final = 0.15
MIN_DOCSTRING_WORDS: Final = 2

FRAGMENT_WORDS: Final = frozenset(
    """
    about above after also although and any are as at because been before behind below beside between but by down
    during each either else even for from has have here his how if in inside into is it its itself just least less
    like more most much neither no nobody none nor not nothing of off on once only or others otherwise out outside
    over past per raises rather same see since so some such than that then there these they this those though
    through to together too under unless until up was were what whatever when whenever where wherever whether which
    whichever while who whoever whom whose why with within without yet
    """.split()  # noqa: SIM905 - ninety quoted strings are harder to read
)
"""First words that make a docstring a fragment: it must begin with a verb in the third person or with a noun."""

RIDDLE_WORDS: Final = frozenset({"nobody", "of", "so", "that", "those", "what", "whatever", "who", "whoever", "whose"})
"""First words that a comment may not have."""

# A word starts with a letter or a digit; code between backticks counts as one word.
_CODE: Final = re.compile(r"`[^`]*`|https?://\S+")
_WORD: Final = re.compile(r"[A-Za-z0-9_'.:/@=<>{}*()\[\]-]*[A-Za-z0-9][^\s]*")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\n\s*(?=[-*] )")
_MARKUP: Final = re.compile(r"noqa|type: ignore|pragma|fmt:|###|region|!/")


@dataclass(frozen=True, slots=True)
class Text:
    """Comment or docstring. `line` is its first line and counts from 1."""

    path: Path
    line: int
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Broken rule in a text. `line` is the first line of the text."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def texts_of(path: Path) -> list[Text]:
    """Returns the docstrings and the comments of a Python file. Consecutive comment lines are one text."""
    source = path.read_text()
    return [*_docstrings(path, ast.parse(source)), *_comments(path, source)]


def _docstrings(path: Path, tree: ast.Module) -> Iterator[Text]:
    """Yields docstrings of modules, classes and functions, and the strings that describe attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(words))):
                yield Text(path, node.lineno, "docstring", words)


def _comments(path: Path, source: str) -> Iterator[Text]:
    """Yields comments. Consecutive lines with nothing but a comment are one text."""
    lines: list[str] = []
    first = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or _MARKUP.match(token.string.lstrip("# ")):
            continue
        own_line = not token.line[: token.start[1]].strip()
        if lines and not (own_line and token.start[0] == last + 1):
            yield Text(path, first, "comment", "\n".join(lines))
            lines = []
        if not lines:
            first = token.start[0]
        lines.append(token.string.lstrip("# "))
        last = token.start[0]
    if lines:
        yield Text(path, first, "comment", "\n".join(lines))


def words_of(text: str) -> list[str]:
    """Returns the words of a text, with code as one word each."""
    return _WORD.findall(_CODE.sub("code", text))


def faults_of(text: Text) -> Iterator[Fault]:
    """Yields the rules that a text breaks."""
    words = words_of(text.words)
    if not words:
        return
    first = words[0].lower().strip(".,:;()'")
    is_code = text.words.lstrip().startswith("`")
    if text.kind == "docstring" and first in FRAGMENT_WORDS and not is_code:
        yield Fault(text.path, text.line, f"docstring begins with a fragment: {' '.join(words[:5])} ...")
    if text.kind == "docstring" and len(words) < MIN_DOCSTRING_WORDS:
        yield Fault(text.path, text.line, f"docstring of one word: {words[0]}")
    if text.kind == "comment" and first in RIDDLE_WORDS and not is_code:
        yield Fault(text.path, text.line, f"comment begins with a riddle: {' '.join(words[:5])} ...")
    for sentence in _SENTENCE_END.split(text.words):
        count = len(words_of(sentence))
        if count > MAX_SENTENCE_WORDS and "|" not in sentence:
            start = " ".join(sentence.split()[:6])
            yield Fault(text.path, text.line, f"sentence of {count} words (at most {MAX_SENTENCE_WORDS}): {start} ...")


def what_per_100_words(texts: Sequence[Text]) -> float:
    """Returns the frequency of the word `what` per 100 words of the texts."""
    words = [word.lower() for text in texts for word in words_of(text.words)]
    return 100 * sum(re.fullmatch(r"\W*what\W*", word) is not None for word in words) / max(len(words), 1)


def main(folders: Sequence[str]) -> int:
    """Prints the faults of all Python files below the folders. Returns 1 if there are any, else 0."""
    paths = sorted(
        path
        for folder in folders
        for path in (Path(folder).rglob("*.py") if Path(folder).is_dir() else [Path(folder)])
        if "__pycache__" not in path.parts
    )
    texts = [text for path in paths for text in texts_of(path)]
    faults = [fault for text in texts for fault in faults_of(text)]
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    ratio = what_per_100_words(texts)
    if ratio > MAX_WHAT_PER_100_WORDS:
        sys.stdout.write(f'The word "what": {ratio:.2f} per 100 words, at most {MAX_WHAT_PER_100_WORDS}.\n')
    sys.stdout.write(f"{len(texts)} texts in {len(paths)} files, {len(faults)} faults.\n")
    return int(bool(faults) or ratio > MAX_WHAT_PER_100_WORDS)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
