"""Tests of `tools/plain_words.py`, which checks the wording of comments and docstrings."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKER = Path(__file__).parents[1] / "tools/plain_words.py"

LONG_SENTENCE = " ".join(["word"] * 21)
CLEAN = '''
"""Counts todos."""

LIMIT = 10
"""Maximum number of todos."""


def count(todos: list[str]) -> int:
    """Returns the number of todos, at most `LIMIT`.

    Raises nothing.
    """
    # Slicing copies at most ten references.
    return len(todos[:LIMIT])
'''


def check(folder: Path, source: str) -> tuple[int, str]:
    """Runs the checker on a module with this source. Returns its exit code and output."""
    (folder / "module.py").write_text(source)
    ended = subprocess.run((sys.executable, CHECKER, folder), capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout


def test_a_clean_text_passes(tmp_path: Path) -> None:
    assert check(tmp_path, CLEAN) == (0, "4 texts in 1 files, 0 faults.\n")


@pytest.mark.parametrize(
    ("source", "line", "fault"),
    [
        ('"""What the module does."""', 1, "docstring begins with a fragment: What the module does. ..."),
        ('def run() -> None:\n    """Whether it runs."""', 2, "docstring begins with a fragment"),
        ('LIMIT = 1\n"""Bound."""', 2, "docstring of one word: Bound."),
        ("LIMIT = 1  # so that it ends", 1, "comment begins with a riddle: so that it ends ..."),
        (f"LIMIT = 1\n# {LONG_SENTENCE}.", 2, "sentence of 21 words (at most 20)"),
        (f"# {LONG_SENTENCE[:50]}\n# {LONG_SENTENCE[50:]}", 1, "sentence of 21 words (at most 20)"),
    ],
)
def test_a_fault_is_reported_with_its_line(tmp_path: Path, source: str, line: int, fault: str) -> None:
    exit_code, output = check(tmp_path, source)

    assert exit_code == 1
    assert output.startswith(f"{tmp_path / 'module.py'}:{line}: {fault}")


def test_the_word_what_is_limited_over_all_texts(tmp_path: Path) -> None:
    exit_code, output = check(tmp_path, "# Returns what it finds.")

    assert exit_code == 1
    assert 'The word "what": 25.00 per 100 words, at most 0.15.' in output


def test_code_and_markers_of_tools_are_not_checked(tmp_path: Path) -> None:
    source = f"import os  # noqa: F401 - what it is for\n\n# Runs `{LONG_SENTENCE} what`."

    assert check(tmp_path, source)[0] == 0
