"""Requests do not fail during upgrades, a rollback and the loss of a pod."""

import time

from tests.accounts import sign_up
from tests.cluster.load import CLIENTS, Load
from tests.kubernetes import OnCluster, Release
from tests.model_replies import Say, Slow
from tests.scripted_model import ScriptedModel

UPGRADES = 5


def signed_up(release: Release) -> dict[str, str]:
    """Registers an account and signs in. Returns the account's authorization header."""
    with OnCluster(release).client() as client:
        return sign_up(client).bearer


class TestUnderLoad:
    def test_no_request_fails(self, release: Release, load: Load, scripted: ScriptedModel) -> None:
        scripted.answer_with(lambda _: Slow(Say("Well."), seconds=2))
        accounts = [signed_up(release) for _ in range(CLIENTS)]
        with load.running(release.url, accounts):
            with load.phase("quiet"):
                time.sleep(5)
            for number in range(1, UPGRADES + 1):
                with load.phase(f"upgrade {number}"):
                    before = release.pods()
                    release.upgrade(f"settings.LOG_LEVEL={'WARNING' if number % 2 else 'INFO'}")
                    release.wait_until_gone(before)
            with load.phase("pod deleted"):
                pod = min(release.pods())
                release.kubectl("delete", "pod", pod)
                release.wait_until_complete()
            with load.phase("rollback"):
                before = release.pods()
                release.helm("rollback", str(release.revision - 1), "--wait", "--timeout", "4m")
                release.wait_until_gone(before)
            with load.phase("quiet again"):
                time.sleep(5)
        assert load.failures == []
        assert all(phase.requests > CLIENTS for phase in load.phases)
