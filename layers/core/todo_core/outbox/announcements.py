"""Times at which messages become due, as the operations of this process announce them.

The loop that delivers listens: a reminder may be set to a time that comes before the next look into the database.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

type Listener = Callable[[datetime], None]

_listeners: Final[list[Listener]] = []


def announce(moment: datetime | None) -> None:
    """Tells the listeners that a message becomes due at a time, once the transaction is committed."""
    if moment is not None:
        for listener in _listeners:
            listener(moment)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Calls `listener` for each time that is announced during the block, from any thread."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
