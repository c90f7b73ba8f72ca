"""The life of a release, by both ways to apply manifests: installation, upgrade without a setting, rollback, removal.

helm 4 applies manifests on the server, helm 3 on the client.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from tests import kubernetes, serving
from tests.kubernetes import NAME, Release

REMOVED: Final = {"secrets": "OPENAI_API_KEY", "settings": "BCRYPT_ROUNDS"}
"""Settings that the upgrade takes out, keyed by the value of the chart that contains them."""

OF_THE_CLUSTER: Final = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
"""Objects that Kubernetes creates in each namespace, besides events and the token of the service account."""


def stored(release: Release) -> dict[str, bool]:
    """Returns whether the Secret and the ConfigMap of the release contain the removed settings."""
    kinds = {"secrets": "secret", "settings": "configmap"}
    return {value: name in release.get(kinds[value], NAME)["data"] for value, name in REMOVED.items()}


def read_by_pods(release: Release) -> dict[str, bool]:
    """Returns whether the environment of the only pod contains the removed settings."""
    (pod,) = release.pods()
    lines = release.kubectl("exec", pod, "--", "python", "-c", "import os; print(*os.environ)").split()
    return {value: name in lines for value, name in REMOVED.items()}


def objects(release: Release) -> set[str]:
    """Returns all objects in the namespace of the release that Kubernetes did not create by itself."""
    kinds = release.kubectl("api-resources", "--namespaced", "--verbs=list,create", "--output=name").split()
    names = release.kubectl("get", ",".join(kinds), "--ignore-not-found", "--output=name").split()
    own = {name for name in names if not name.startswith(("event", "secret/default-token-"))}
    return own - OF_THE_CLUSTER


@pytest.fixture(params=[True, False], ids=["server-side", "client-side"])
def own_release(request: pytest.FixtureRequest, image: str, environment: Mapping[str, str]) -> Iterator[Release]:
    """One pod and a database, installed with the settings that an upgrade takes out. It has no node port."""
    with kubernetes.in_new_namespace(image, server_side=request.param) as release:
        others = {name: value for name, value in environment.items() if name != "DATABASE_URL"}
        release.install(others, replicaCount=1, service={"type": "ClusterIP"})
        yield release


class TestLife:
    def test_a_removed_setting_is_gone_until_a_rollback_and_nothing_outlives_the_release(
        self, own_release: Release
    ) -> None:
        all_there, all_gone = dict.fromkeys(REMOVED, True), dict.fromkeys(REMOVED, False)
        assert (stored(own_release), read_by_pods(own_release)) == (all_there, all_there)

        first = own_release.pods()
        for value, name in REMOVED.items():
            del own_release.values[value][name]
        own_release.upgrade()
        own_release.wait_until_gone(first)
        assert (stored(own_release), read_by_pods(own_release)) == (all_gone, all_gone)

        second = own_release.pods()
        own_release.helm("rollback", "1", "--wait", "--timeout", "4m")
        own_release.wait_until_gone(second)
        assert (stored(own_release), read_by_pods(own_release)) == (all_there, all_there)

        own_release.helm("uninstall", "--wait", "--timeout", "4m")
        # helm does not wait for the pods.
        serving.wait_until(lambda: objects(own_release) == set(), seconds=120)
