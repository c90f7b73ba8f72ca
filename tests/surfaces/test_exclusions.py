"""Tests of EXCLUDED_TESTS, the list of tests that `sam local` cannot pass: each entry must name a test."""

import re
from pathlib import Path

import pytest

from tests.sam import EXCLUDED_TESTS

TESTS = re.findall(r"def (test_\w+)", "\n".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py")))


@pytest.mark.parametrize("part", [part for part in EXCLUDED_TESTS if re.match(r"\w", part)])
def test_an_excluded_test_exists(part: str) -> None:
    assert any(name.endswith(part.partition("[")[0]) for name in TESTS)
