"""The official conformance suite for servers, for the two newest revisions, against the running service."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.listening import listening
from tests.mcp.gateway import GatewayHandler, OneProcess, start_process
from tests.mcp_client import BEFORE, NEWEST

PACKAGES: Final = Path(__file__).parents[1] / "javascript/mcp/node_modules"
SUITE: Final = PACKAGES / "@modelcontextprotocol/conformance/dist/index.js"
TABLE: Final = Path(__file__).parent / "not_applicable.toml"
PASSED: Final = {"SUCCESS", "INFO"}
MIN_PASSED: Final = {NEWEST: 95, BEFORE: 45}


@pytest.fixture
def url(settings: Mapping[str, str], token: str, tmp_path: Path) -> Iterator[str]:
    """URL of `/mcp` by which each request gets a token, as the suite sends none."""

    class Handler(GatewayHandler):
        added: Mapping[str, str] = {"Authorization": f"Bearer {token}"}

    with listening(Handler) as address:
        origin = address.replace("127.0.0.1", "localhost")
        with start_process({**settings, "PUBLIC_URL": origin}, tmp_path)() as client:
            Handler.processes = OneProcess(client)
            yield f"{origin}/mcp"


@pytest.mark.parametrize("revision", [NEWEST, BEFORE])
def test_every_check_that_applies_passes(url: str, revision: str, tmp_path: Path) -> None:
    statuses = run_suite(url, revision, tmp_path / "results")

    failed = {check for check, found in statuses.items() if not found <= PASSED}
    assert failed == read_not_applicable(revision)
    assert len(statuses) - len(failed) >= MIN_PASSED[revision]


def run_suite(url: str, revision: str, results: Path) -> dict[str, set[str]]:
    """Runs all scenarios of a revision. Returns the statuses of each check, by `scenario check`."""
    # The suite needs Node.js 22, which is one of its packages.
    node = next(PACKAGES.glob("node-linux-*/bin/node"), "node")
    command = (node, SUITE, "server", "--url", url, "--requirements", revision, "--output-dir", results)
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    statuses: dict[str, set[str]] = {}
    for path in results.glob("server-*/checks.json"):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT.*", "", path.parent.name.removeprefix("server-"))
        for check in json.loads(path.read_text()):
            statuses.setdefault(f"{scenario} {check['id']}", set()).add(check["status"])
    assert statuses, ran.stderr
    return statuses


def read_not_applicable(revision: str) -> set[str]:
    groups = tomllib.loads(TABLE.read_text())["group"]
    return {check for group in groups if revision in group["revisions"] for check in group["checks"]}
