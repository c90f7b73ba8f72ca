"""docs/security.md: each rule names a test that exists, or a page of the documentation."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs/security.md").read_text()
TESTS: Final = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))


def find_definitions(file: Path) -> set[str]:
    """Returns the classes, functions and methods of a test file, as pytest names them: `TestCookie::test_it_is_lax`."""
    names = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{method.name}" for method in node.body if isinstance(method, ast.FunctionDef)}
    return names


@pytest.mark.parametrize("test", TESTS)
def test_each_named_test_exists(test: str) -> None:
    path, _, name = test.partition("::")

    assert (ROOT / path).is_file()
    assert not name or name in find_definitions(ROOT / path)


def test_each_rule_names_a_test_or_a_page() -> None:
    met = [
        line for line in PAGE.partition("### Not met")[0].splitlines() if re.match(r"\| (API\d|\d+\.\d+\.\d+)", line)
    ]

    assert len(met) > 60
    assert [rule for rule in met if "`tests/" not in rule and "](" not in rule] == []


def test_security_md_points_to_the_page() -> None:
    assert "(docs/security.md)" in (ROOT / "SECURITY.md").read_text()
