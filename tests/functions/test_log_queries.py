"""The queries for Logs Insights in the documentation use fields that real log lines have."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from functions.purge.app import handler as purge
from tests import serving
from tests.accounts import TODOS, sign_up
from tests.serving import LambdaContext
from todo_core.errors import DatabaseUnavailable
from todo_core.web.problems import log_server_error

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGES: Final = ("operations.md", "auth-events.md", "deploy-aws.md")
_QUERY: Final = re.compile(r"```\n((?:filter|stats|fields)\b.+?)```|`((?:filter|stats|fields) [^`]+)`", re.DOTALL)
_WORDS: Final = {"filter", "stats", "fields", "sort", "by", "as", "and", "like", "desc"} | {
    "count",
    "count_distinct",
    "pct",
    "bin",
    "ispresent",
}
_GATEWAY_FIELDS: Final = set(re.findall(r'"(\w+)":"\$context', (DOCS.parent / "template.yaml").read_text()))
"""The fields of the access log, which the gateway writes."""


def list_queries() -> list[str]:
    pages = "\n".join((DOCS / page).read_text() for page in PAGES)
    return [block or inline for block, inline in _QUERY.findall(pages)]


def list_fields(query: str) -> set[str]:
    """Returns the fields that a query reads. Fields that CloudWatch adds begin with @."""
    text = re.sub(r'"[^"]*"|/[^/]*/|\b\d+[smhd]?\b', "", query)
    aliases = set(re.findall(r"\bas (\w+)", text))
    return set(re.findall(r"(?<![@\w])[a-z]\w*", text)) - _WORDS - aliases


def list_logged_fields(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Returns the fields of all log lines of some invocations: served, refused and failed requests, and a purge."""
    purge({}, LambdaContext("purge"))
    with serving.OnLambda().client() as client:
        client.get(TODOS)
        sign_up(client)
    log_server_error(DatabaseUnavailable(), "an-id")
    return {field for line in capsys.readouterr().out.splitlines() for field in json.loads(line)}


@pytest.mark.usefixtures("environment")
def test_each_field_is_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    logged = list_logged_fields(capsys)
    queries = list_queries()

    assert len(queries) >= 7
    for query in queries:
        assert list_fields(query) <= logged | _GATEWAY_FIELDS, query
