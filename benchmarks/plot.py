"""Draws the CPU time per request of each subject as an SVG image: `plot.py FILE`, with the figures as JSON on stdin.

The figures are microseconds by operation and subject: `{"list": {"ours": [server, postgres], ...}, ...}`.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import matplotlib as mpl
from matplotlib import pyplot as plt

type Figures = Mapping[str, Mapping[str, Sequence[float]]]

_PARTS: Final = {"server": "#4f46e5", "PostgreSQL": "#c7d2fe"}
_OURS: Final = "ours"


def draw(figures: Figures, path: str) -> None:
    """Draws a diagram for each operation, with a bar for each subject, and writes the image."""
    # As text, which stays small and can be searched. The same figures make the same file.
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "requests", "font.family": "sans-serif"}
    figure, diagrams = plt.subplots(1, len(figures), figsize=(12, 2.6), sharey=True, layout="constrained")
    for diagram, (operation, costs) in zip(diagrams, figures.items(), strict=True):
        lefts = [0.0] * len(costs)
        for part, (name, color) in enumerate(_PARTS.items()):
            widths = [cost[part] for cost in costs.values()]
            diagram.barh(list(costs), widths, left=lefts, color=color, label=name)
            lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
        for subject, total in zip(costs, lefts, strict=True):
            weight = "bold" if subject == _OURS else "normal"
            diagram.text(total, subject, f" {total:.0f}", va="center", fontsize=8, fontweight=weight)
        diagram.set_title(operation, fontsize=10)
        diagram.set_xlim(right=1.2 * max(lefts))
        diagram.spines[["top", "right"]].set_visible(False)
        diagram.tick_params(labelsize=8)
    diagrams[0].invert_yaxis()
    figure.legend(*diagrams[0].get_legend_handles_labels(), loc="outside lower right", ncols=2, fontsize=8)
    figure.supxlabel("CPU time per request in µs, server and PostgreSQL", fontsize=9)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])
