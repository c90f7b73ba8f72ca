"""Median with the lowest and highest value."""

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
        """Formats the values, for example `1.20 (1.10..1.35)`."""
        return f"{self.median:.{decimals}f} ({self.lowest:.{decimals}f}..{self.highest:.{decimals}f})"


def ratios(of: Sequence[float], to: Sequence[float]) -> Spread:
    """Returns the ratios per round, so that a slow round affects both values."""
    return Spread.of([numerator / denominator for numerator, denominator in zip(of, to, strict=True)])
