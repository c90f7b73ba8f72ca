"""Compares the service with its OpenAPI document by means of Schemathesis, with all its checks.

`make test SUITE=schema` sends thousands of requests instead of hundreds, and tests the limits of all fields.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests import postgres, serving
from tests.accounts import AUTH

ROOT = Path(__file__).parents[1]
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "5"))
THOROUGH = "SCHEMATHESIS_EXAMPLES" in os.environ
SCENARIOS = 25 if THOROUGH else 15
"""Minimum number of request sequences. Fewer would miss faults that only some sequences reveal."""

# Limits and quotas are out of reach: otherwise they would soon refuse the generated requests.
LIMITS = {
    "FAILED_LOGINS_PER_ACCOUNT": "1000000",
    "FAILED_LOGINS_PER_ADDRESS": "1000000",
    "LOGINS_PER_ACCOUNT": "1000000",
    "LOGINS_PER_ADDRESS": "1000000",
    "REGISTRATIONS_PER_ADDRESS": "1000000",
    "ASSISTANT_DAILY_TURNS": "1000000",
    "QUOTA_API_TOKENS": "10000",
    "QUOTA_WEBHOOKS": "1000",
    "WEBHOOK_TESTS_PER_ACCOUNT": "1000000",
    # An empty key selects the built-in command model, whose responses are predictable.
    "OPENAI_API_KEY": "",
    "LOG_LEVEL": "WARNING",
}
NEED_A_PROOF: Final = {
    *(f"POST {AUTH}/{name}" for name in ("email/take-back", "email/verify", "password/reset", "login/passkey")),
    *(f"POST {AUTH}/second-factor/{name}" for name in ("totp/confirm", "recovery-codes")),
    *(f"POST {AUTH}/passkeys", f"POST {AUTH}/email/verification", "POST /api/v1/tags/changes/{tag_change_id}/undo"),
    *(f"DELETE {AUTH}/passkeys/{{passkey_id}}", f"DELETE {AUTH}/second-factor/totp"),
    *("POST /api/v1/reminders/push-subscriptions", "DELETE /api/v1/reminders/push-subscriptions/{subscription_id}"),
}
"""Operations that may accept no generated request, without a warning.

They need a token from a mail, what only a device can make, or an earlier change of a tag. Mails to verify are few.
"""

CONFIG = f"""
continue-on-failure = true

[warnings]
fail-on = {str(THOROUGH).lower()}

[generation]
max-examples = {EXAMPLES}
deterministic = true
database = "none"

[phases.coverage]
enabled = {str(THOROUGH).lower()}

[phases.stateful.generation]
max-examples = {max(EXAMPLES, SCENARIOS)}

{
    "".join(
        f'''
[[operations]]
include-name = "{operation}"
warnings = false
'''
        for operation in sorted(NEED_A_PROOF)
    )
}"""


@dataclass(frozen=True)
class Run:
    """Result of one run of the Schemathesis command. `report` is its report in JSON."""

    exit_code: int
    output: str
    report: dict[str, Any]

    @property
    def cases(self) -> int:
        sent: int = self.report["test_cases"]["generated"]
        return sent

    @property
    def operations_that_accepted_something(self) -> set[str]:
        return {
            operation
            for operation, phases in self.report["valid_rates"].items()
            if any(phase["accepted"] for phase in phases.values())
        }


@pytest.fixture(scope="module")
def url(server_url: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a uvicorn process with its own database."""
    folder = str(tmp_path_factory.mktemp("service"))
    with postgres.database(server_url) as database_url:
        settings = environment | LIMITS | {"DATABASE_URL": database_url}
        with serving.on_port(settings, folder=folder) as service:
            yield service.url


@pytest.fixture(scope="module")
def run(url: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("schemathesis")
    config, report = folder / "schemathesis.toml", folder / "report.json"
    config.write_text(CONFIG)
    schemathesis = (sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", "--no-color")
    finished = subprocess.run(
        (*schemathesis, "--report", "json", "--report-json-path", str(report), f"{url}/openapi.json"),
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks",
        },
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # An aborted run leaves no report or an empty one, so the test fails with the output of the command.
    assert report.exists(), finished.stdout
    assert report.read_text(), finished.stdout
    return Run(finished.returncode, finished.stdout, json.loads(report.read_text()))


# One test with subtests: several tests might each start a run, in different pytest-xdist workers.
def test_the_service_matches_its_openapi_document(run: Run, subtests: pytest.Subtests) -> None:
    with subtests.test("every check holds"):
        assert run.exit_code == 0, run.output
    with subtests.test("every phase ran"):
        skipped = {name for name, phase in run.report["phases"].items() if phase["skip_reason"]}
        assert skipped == (set() if THOROUGH else {"coverage"})
    with subtests.test("every operation was reached"):
        assert run.report["operations"]["tested"] == run.report["operations"]["total"]
    with subtests.test("operations accepted at least one case"):
        least = 1 if THOROUGH else 0.8
        reachable = run.report["operations"]["total"] - len(NEED_A_PROOF)
        assert len(run.operations_that_accepted_something - NEED_A_PROOF) >= least * reachable
    with subtests.test("enough cases were sent"):
        assert run.cases >= (max(2_000, 56 * EXAMPLES) if THOROUGH else 300)
