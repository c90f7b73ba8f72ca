"""Reads days, times and recurrences among the items of a line; each becomes a piece of an English phrase."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from todo_assistant.phrases.languages.clocks import ClockTime, read_clock
from todo_assistant.phrases.languages.items import Item
from todo_assistant.phrases.languages.lexicon import Lexicon
from todo_assistant.phrases.patterns import Pattern

WEAK, LIKELY, CERTAIN = 1, 2, 3
"""Levels of certainty: a weak piece needs another beside it, a likely one must stand apart from other words."""
_MAX_MONTH_DAY: Final = 31


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an English phrase for the items from `first` to before `last`."""

    role: Literal["recurrence", "day", "part", "time", "span"]
    """A span such as `this week` is no due date, but a filter."""
    text: str
    level: int
    clock: ClockTime | None = None
    first: int = 0
    last: int = 0


type _Reader = Callable[[Sequence[Item], Lexicon], Piece | None]


def read_piece(items: Sequence[Item], kinds: str, position: int, lexicon: Lexicon) -> Piece | None:
    """Returns the longest piece that begins at a position, or None. `kinds` are the kinds of all items."""
    any_shape, shapes = _compile_shapes()
    # Most words begin no shape, and one pattern is faster than all one by one.
    if not any_shape.match(kinds, position):
        return None
    for pattern, read in shapes:
        found = pattern.match(kinds, position)
        if found and (piece := read(items[position : found.end()], lexicon)):
            return Piece(piece.role, piece.text, piece.level, piece.clock, position, found.end())
    return None


def _value(items: Sequence[Item], kinds: str) -> str:
    """Returns the English value of the first item of one of the kinds, or an empty string."""
    return next((item.value for item in items if item.kind in kinds), "")


def _has(items: Sequence[Item], kinds: str) -> bool:
    return any(item.kind in kinds for item in items)


def _read_day(items: Sequence[Item], _: Lexicon) -> Piece:
    return Piece("day", _value(items, "D"), CERTAIN)


def _read_weekday(items: Sequence[Item], lexicon: Lexicon) -> Piece:
    day = _value(items, "Ww")
    if _has(items, "x"):
        return Piece("day", f"{lexicon.next_weekday} {day}", CERTAIN)
    if _has(items, "obtk"):
        return Piece("day", f"on {day}", CERTAIN)
    return Piece("day", f"on {day}", WEAK if _has(items, "w") else LIKELY)


def _read_month_date(items: Sequence[Item], _: Lexicon) -> Piece | None:
    day, month, year = _number(_value(items, "nO")), _value(items, "M"), _value(items, "Y")
    if not 1 <= day <= _MAX_MONTH_DAY:
        return None
    return Piece("day", f"{month} {day} {year}".strip(), CERTAIN if _has(items, "obigOYkW") else LIKELY)


def _read_month_day(items: Sequence[Item], _: Lexicon) -> Piece | None:
    day = _number(_value(items, "nO"))
    return Piece("day", f"on the {_ordinal(day)}", LIKELY) if 1 <= day <= _MAX_MONTH_DAY else None


def _read_written_date(items: Sequence[Item], lexicon: Lexicon) -> Piece | None:
    written = _value(items, "IZd")
    if _has(items, "d"):
        if not lexicon.has_dotted_days:
            return None
        written = f"{written}."
    return Piece("day", f"on {written}", CERTAIN)


def _read_amount(items: Sequence[Item], _: Lexicon) -> Piece:
    count, unit = _value(items, "nY"), _value(items, "U")
    return Piece("day", f"in {count} {unit}{'' if count == '1' else 's'}", CERTAIN)


def _read_hours(items: Sequence[Item], _: Lexicon) -> Piece:
    return Piece("day", f"in {_value(items, 'nY')} {_value(items, 'V')}", CERTAIN)


def _read_period(items: Sequence[Item], _: Lexicon) -> Piece:
    """Reads `next week`, `this weekend` and the span `this week`."""
    unit = _value(items, "U") or "weekend"
    is_next = _has(items, "x")
    is_span = unit != "weekend" and not is_next
    return Piece("span" if is_span else "day", f"{'next' if is_next else 'this'} {unit}", CERTAIN)


def _read_nth_day(items: Sequence[Item], _: Lexicon) -> Piece | None:
    """Reads `jeden ersten Montag im Monat` and `jeden letzten Tag des Monats`."""
    day = _value(items, "Ww") or _value(items, "U")
    is_day = _has(items, "Ww") or day == "day"
    return Piece("recurrence", f"every {_value(items, 'J')} {day}", CERTAIN) if is_day else None


def _read_weekday_of_week(items: Sequence[Item], _: Lexicon) -> Piece | None:
    """Reads `nächste Woche Montag` and `el lunes de la próxima semana`."""
    return Piece("day", f"{_value(items, 'Ww')} next week", CERTAIN) if _value(items, "U") == "week" else None


def _read_every(items: Sequence[Item], _: Lexicon) -> Piece | None:
    count, unit, part = _value(items, "n"), _value(items, "U"), _value(items, "pq")
    if days := [item.value for item in items if item.kind in "WPw"]:
        rest = " and ".join(days)
    elif part:
        rest = part
    elif count:
        rest = f"{count} {unit}s"
    else:
        rest = unit or ("weekday" if _has(items, "K") else "weekend")
    if _has(items, "2"):
        rest = f"other {rest}"
    return Piece("recurrence", f"every {rest}", CERTAIN)


def _read_monthly(items: Sequence[Item], _: Lexicon) -> Piece | None:
    """Reads `jeden Monat am 1.` and `monatlich am 15.`."""
    day = _number(_value(items, "nO"))
    is_monthly = "month" in {_value(items, "U"), _value(items, "R").removeprefix("every ")}
    if not is_monthly or not 1 <= day <= _MAX_MONTH_DAY:
        return None
    return Piece("recurrence", f"every month on the {_ordinal(day)}", CERTAIN)


def _read_recurrence(items: Sequence[Item], _: Lexicon) -> Piece:
    return Piece("recurrence", _value(items, "R"), CERTAIN)


def _read_plural(items: Sequence[Item], _: Lexicon) -> Piece:
    days = " and ".join(item.value for item in items if item.kind == "P")
    return Piece("recurrence", f"every {days}", CERTAIN)


def _read_time(items: Sequence[Item], _: Lexicon) -> Piece | None:
    clock = read_clock(items)
    if clock is None:
        return None
    is_certain = _has(items, "cT") or (_has(items, "ab") and _has(items, "BSHhVd")) or _has(items, "BS")
    return Piece("time", "", CERTAIN if is_certain else LIKELY, clock)


def _read_noon(items: Sequence[Item], _: Lexicon) -> Piece:
    hour = 12 if _value(items, "N") == "noon" else 24
    return Piece("time", "", CERTAIN if _has(items, "abp") else LIKELY, ClockTime(hour, 0))


def _read_part(items: Sequence[Item], _: Lexicon) -> Piece:
    return Piece("part", _value(items, "pq"), CERTAIN if _has(items, "p") else WEAK)


def _number(words: str) -> int:
    found = re.match(r"\d{1,4}", words)
    return int(found[0]) if found else 0


def _ordinal(day: int) -> str:
    suffix = "th" if day in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


_SHAPES: Final[Sequence[tuple[str, _Reader]]] = (
    # Recurrences: `jeden Monat am 1.`, `alle 3 Tage`, `jeden Montag und Freitag`, `täglich`, `montags`.
    (r"(?:eU|R)o?[nO](?![ncy])|eU[|g]?nyk?", _read_monthly),
    (r"eJ[WwU](?:m|gU)?", _read_nth_day),
    (r"vnU|e(?:n?2?U|2?[Ww](?:[&,]{1,2}e?[Ww]){0,6}|2?P(?:[&,]{1,2}e?P){0,6}|[KEpq])", _read_every),
    (r"R", _read_recurrence),
    (r"o?P(?:[&,]{1,2}o?P){0,6}(?![nO,])", _read_plural),
    # Days: `bis morgen`, `am Montag, dem 5. Mai 2030`, `in 3 Tagen`, `nächste Woche`, `am 5.12.`.
    (r"[bo]{0,2}t?Dk?", _read_day),
    (r"[bogi]{0,2}(?:[WwP],?o?)?[nO]g?Mg?Y?k?", _read_month_date),
    (r"[bo]{0,2}Y?M[nO](?!c)k?", _read_month_date),
    (r"[ib]{1,2}nU|nUf", _read_amount),
    (r"[ib]{1,2}nV|nVf", _read_hours),
    (r"[bo]{0,2}xUo?[Ww]|[bo]{0,2}[Ww]g?o?(?:xU|Ux)k?", _read_weekday_of_week),
    (r"[bo]{0,2}(?:x[UE]|[UE]x|t[UE]|oE)k?", _read_period),
    (r"[bo]{0,2}[xt]?[Ww]x?k?", _read_weekday),
    (r"[boi]{1,2}Z|[bo]{0,2}I|o{1,2}d(?!c)", _read_written_date),
    # Times: `um 17 Uhr 30`, `17 Uhr`, `um halb 6`, `a las 5 y media`, `mittags`.
    (r"[abo]{0,2}B[n]c?", _read_time),
    (r"[ab]{0,2}(?:T|H)[ch]?S?|a{1,2}d[ch]?|dc", _read_time),
    (r"[ab]{0,2}nc(?:n(?![U]))?S?", _read_time),
    (r"b?ab?n[hV]?S?|nS", _read_time),
    (r"[abo]{0,2}N", _read_noon),
    (r"[pq]k?", _read_part),
    (r"[bo]{1,2}[nO](?![MUVcn?])k?", _read_month_day),
)
"""Patterns of the kinds of items, each with the function that reads them. The first that can be read counts."""


@cache
def _compile_shapes() -> tuple[Pattern, Sequence[tuple[Pattern, _Reader]]]:
    """Compiles the patterns on first use, as most processes need none. The first one matches any of the shapes."""
    any_shape = Pattern("|".join(pattern for pattern, _ in _SHAPES))
    return any_shape, [(Pattern(pattern), read) for pattern, read in _SHAPES]
