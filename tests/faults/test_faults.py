"""Acknowledged writes are neither lost nor doubled, and the service recovers, while everything that it needs fails.

The run takes ten minutes. FAULT_MINUTES changes that; fewer minutes inject fewer faults.
"""

import os
from typing import Final

import pytest

from tests.faults.run import run

MINUTES: Final = float(os.environ.get("FAULT_MINUTES", "10"))
MAX_RECOVERY_SECONDS: Final = 2.0
MAX_LATENCY_SECONDS: Final = 15.0


def test_acknowledged_writes_survive_all_faults(subtests: pytest.Subtests) -> None:
    result = run(MINUTES)
    print(f"\n{result}")  # noqa: T201 - the counts are the result of the run
    with subtests.test("no acknowledged write is lost"):
        assert result.lost == []
    with subtests.test("no write takes effect twice"):
        assert result.doubled == []
    with subtests.test("the change log has no gap, and its replay gives the todos"):
        assert result.gaps == []
    with subtests.test("every answer is 2xx, or 503 with Retry-After, or one that the protocol of repeats expects"):
        assert result.answers.forbidden == []
    with subtests.test("a connection fails only while no process runs"):
        assert result.answers.disconnects_outside_outages == []
    with subtests.test("no error is unexpected"):
        assert "Unexpected error" not in result.log
        assert "Traceback" not in result.log
    for fault, seconds in result.recoveries.items():
        with subtests.test("the service serves again soon", fault=fault):
            assert max(seconds) <= MAX_RECOVERY_SECONDS, "\n".join(result.answers.timeline)
    with subtests.test("no request waits long"):
        assert max(result.answers.seconds) <= MAX_LATENCY_SECONDS, "\n".join(result.answers.timeline)
