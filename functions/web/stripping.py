"""Removes comments and indentation from JavaScript and CSS before they are sent. Lines keep their numbers.

`make check-page` compares the syntax trees before and after.
"""

import re
from collections.abc import Iterator
from typing import Final

_CSS: Final = re.compile(r"""(?P<kept>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<dropped>(?:/\*.*?\*/|\s)+)""", re.DOTALL)
_CODE: Final = re.compile(
    r"""
    (?P<dropped>(?://[^\n]*|/\*.*?\*/|\s)+)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<word>[\w$]+)
    |(?P<mark>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_PATTERN: Final = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/")
"""A regular expression of JavaScript. It begins like a division."""
_TEMPLATE: Final = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
_INDENTED: Final = re.compile(r"[ \t]*\n\s*")
_WORDS_BEFORE_PATTERNS: Final = {"return", "typeof", "case", "in", "of", "await", "yield", "void", "new", "delete"}
_MARKS_AFTER_VALUES: Final = {")", "]"}


def strip_style(text: str) -> str:
    return _CSS.sub(lambda found: found["kept"] or _shorten(found["dropped"]), text).lstrip(" ")


def strip_script(text: str) -> str:
    return "".join(_Script(text).read_code(0)).lstrip(" ")


def _shorten(dropped: str) -> str:
    """Returns what must stay of spaces and comments: the ends of lines, or a space."""
    return "\n" * dropped.count("\n") or " "


class _Script:
    """A reader of JavaScript. `end` is the index after what was read last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        self._before = ""

    def read_code(self, start: int) -> Iterator[str]:
        """Yields the code from an index to the end of the text, or of a template's part in braces."""
        self._end, depth = start, 0
        while found := _CODE.match(self._text, self._end):
            mark = found["mark"]
            if mark == "}" and depth == 0 and start:
                return
            depth += (mark == "{") - (mark == "}")
            if mark == "`":
                yield from self._read_template()
            elif mark == "/" and self._expects_value() and (pattern := _PATTERN.match(self._text, self._end)):
                yield self._take(pattern)
            else:
                yield self._take(found)

    def _take(self, found: re.Match[str]) -> str:
        self._end = found.end()
        if found.groupdict().get("dropped"):
            return _shorten(found[0])
        self._before = found[0]
        return found[0]

    def _expects_value(self) -> bool:
        """Returns True where a value may begin, so that a slash is no division."""
        before = self._before
        if re.fullmatch(r"[\w$]+", before):
            return before in _WORDS_BEFORE_PATTERNS
        return before not in _MARKS_AFTER_VALUES and not before.endswith(("'", '"', "`"))

    def _read_template(self) -> Iterator[str]:
        """Yields a template with the code in it. In HTML and SVG, lines of the template lose their indentation."""
        is_markup = self._before in {"html", "svg"}
        self._end += 1
        yield "`"
        while found := _TEMPLATE.match(self._text, self._end):  # always, because it matches an empty text
            yield _INDENTED.sub(lambda lines: "\n" * lines[0].count("\n"), found[0]) if is_markup else found[0]
            self._end = found.end()
            if not self._text.startswith("${", self._end):
                break
            yield "${"
            yield from self.read_code(self._end + 2)
            yield "}"
            self._end += 1
        self._end += 1
        self._before = "`"
        yield "`"
