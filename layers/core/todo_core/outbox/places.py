"""The places of a process for attempts, and the part of them that one channel may take.

A channel begins with two places. Each quick success gives it one more, up to half of all places. A slow or failed
attempt takes it back to two. So a receiver that does not answer delays its own messages, and a quick one gets many.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

MAX_AT_ONCE: Final = 32
MIN_PER_CHANNEL: Final = 2
MAX_PER_CHANNEL: Final = MAX_AT_ONCE // 2
QUICK_SECONDS: Final = 5.0
"""The longest time of an attempt after which the channel gets one more place."""
_MAX_REMEMBERED_CHANNELS: Final = 256


class Places:
    """Counts the attempts that are under way, in all and by channel."""

    def __init__(self) -> None:
        self._busy: Counter[str] = Counter()
        self._raised: dict[str, int] = {}

    @property
    def free(self) -> int:
        return MAX_AT_ONCE - self._busy.total()

    @property
    def full_channels(self) -> list[str]:
        """The channels that may begin no other attempt."""
        return [channel for channel, count in self._busy.items() if count >= self._limit(channel)]

    @property
    def rooms(self) -> Mapping[str, int]:
        """The number of attempts that may begin, for each channel for which it is not MIN_PER_CHANNEL."""
        return {channel: self._limit(channel) - self._busy[channel] for channel in self._busy.keys() | self._raised}

    def take(self, channel: str) -> None:
        self._busy[channel] += 1

    def give_back(self, channel: str, *, was_quick: bool) -> None:
        """Ends an attempt. `was_quick` is true if it has succeeded within QUICK_SECONDS."""
        self._busy -= Counter({channel: 1})
        if not was_quick:
            self._raised.pop(channel, None)
        elif channel in self._raised or len(self._raised) < _MAX_REMEMBERED_CHANNELS:
            self._raised[channel] = min(self._limit(channel) + 1, MAX_PER_CHANNEL)

    def _limit(self, channel: str) -> int:
        return self._raised.get(channel, MIN_PER_CHANNEL)
