"""docs/oauth.md: each row of the table of RFC 9700 names a test that exists."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.test_security_page import find_definitions

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs/oauth.md").read_text()
TESTS: Final = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))


@pytest.mark.parametrize("test", TESTS)
def test_each_named_test_exists(test: str) -> None:
    path, _, name = test.partition("::")

    assert (ROOT / path).is_file()
    assert not name or name in find_definitions(ROOT / path)


def test_each_rule_names_a_test() -> None:
    table = PAGE.partition("## Security")[2].partition("### Not met")[0]
    rules = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| section")]

    assert len(rules) > 25
    assert [rule for rule in rules if "`tests/" not in rule] == []
