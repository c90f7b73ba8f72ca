"""A median together with how far the rounds lay apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True)
class Spread:
    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        return cls(median(values), min(values), max(values))

    def text(self, decimals: int) -> str:
        """Such as `1.20 (1.10..1.35)`."""
        return f"{self.median:.{decimals}f} ({self.lowest:.{decimals}f}..{self.highest:.{decimals}f})"


def ratios(of: Sequence[float], to: Sequence[float]) -> Spread:
    """Compares round by round: what slows a whole round down drops out."""
    return Spread.of([one / other for one, other in zip(of, to, strict=True)])
