"""The part of a model's text that the user may see: without reasoning, and without tool calls written as text."""

import re
from collections.abc import Callable
from typing import Final

_REASONING_TAGS: Final = {f"<{name}>": f"</{name}>" for name in ("think", "thinking", "thought", "reasoning")} | {
    "[THINK]": "[/THINK]"
}
_CALL_TAG: Final = "<tool_call>"
_CLOSING_TAGS: Final = _REASONING_TAGS | {_CALL_TAG: "</tool_call>"}
_TAG: Final = re.compile("|".join(map(re.escape, [*_CLOSING_TAGS, *_REASONING_TAGS.values()])))
_MAX_TAG_CHARACTERS: Final = max(map(len, [*_CLOSING_TAGS, *_CLOSING_TAGS.values()]))
_QUOTES: Final = frozenset("\"'`“«„(")


class VisibleText:
    """Receives a model's text in pieces and returns the visible part of each.

    Tags may be divided between pieces, so the last characters of a piece can be held back. A tag directly after a
    quotation mark is ordinary text.
    """

    def __init__(self, take_call: Callable[[str], bool]) -> None:
        """`take_call` receives the text between `<tool_call>` tags. If it returns False, the text is visible."""
        self.restarts = 0
        """The number of times that all earlier text proved to be reasoning, by a closing tag without an opening one."""

        self._take_call = take_call
        self._pending = ""
        self._opening: str | None = None
        self._inside: list[str] = []
        self._shown: list[str] = []
        self._last = ""

    @property
    def text(self) -> str:
        """All visible text so far."""
        return "".join(self._shown)

    def add(self, piece: str) -> str:
        """Adds a piece and returns the text that became visible with it."""
        self._pending += piece
        shown = len(self._shown)
        restarts = self.restarts
        while self._consume_block() if self._opening else self._consume_text():
            pass
        return "".join(self._shown[shown if restarts == self.restarts else 0 :])

    def finish(self) -> str:
        """Ends the text and returns the rest that was held back. Reasoning without a closing tag stays hidden."""
        shown = len(self._shown)
        rest, self._pending = self._pending, ""
        if self._opening is None:
            self._show(rest)
        elif self._opening == _CALL_TAG:
            self._end_call("".join([*self._inside, rest]), closing="")
        return "".join(self._shown[shown:])

    def _consume_text(self) -> bool:
        """Moves text before the next tag to the visible text. Returns True if a tag was complete."""
        start = 0
        while tag := _TAG.search(self._pending, start):
            before = self._pending[tag.start() - 1] if tag.start() else self._last
            if before not in _QUOTES or not before:
                break
            start = tag.end()
        if tag is None:
            held = _count_held_back(self._pending, start)
            self._show(self._pending[: len(self._pending) - held])
            self._pending = self._pending[len(self._pending) - held :]
            return False
        self._show(self._pending[: tag.start()])
        self._pending = self._pending[tag.end() :]
        if tag[0] in _CLOSING_TAGS:
            self._opening, self._inside = tag[0], []
        else:
            self._hide_shown()
        return True

    def _consume_block(self) -> bool:
        """Moves text up to the closing tag into the block. Returns True if the block ended."""
        opening = self._opening or ""
        closing = _CLOSING_TAGS[opening]
        inside, found, rest = self._pending.partition(closing)
        if not found:
            # Only the end can be a part of the closing tag. Searching all text again would take quadratic time.
            kept = len(closing) - 1
            self._hold(self._pending[:-kept])
            self._pending = self._pending[-kept:]
            return False
        self._hold(inside)
        self._pending, self._opening = rest, None
        if opening == _CALL_TAG:
            self._end_call("".join(self._inside), closing)
        return True

    def _hold(self, text: str) -> None:
        if self._opening == _CALL_TAG:
            self._inside.append(text)

    def _end_call(self, inside: str, closing: str) -> None:
        if not self._take_call(inside):
            self._show(f"{_CALL_TAG}{inside}{closing}")

    def _hide_shown(self) -> None:
        self.restarts += any(self._shown)
        self._shown.clear()

    def _show(self, text: str) -> None:
        if not self._shown:
            text = text.lstrip()
        if text:
            self._shown.append(text)
            self._last = text[-1]


def _count_held_back(text: str, start: int) -> int:
    """Returns the number of last characters that may begin a tag."""
    for size in range(min(_MAX_TAG_CHARACTERS - 1, len(text) - start), 0, -1):
        end = text[-size:]
        if any(tag.startswith(end) for tag in (*_CLOSING_TAGS, *_REASONING_TAGS.values())):
            return size
    return 0
