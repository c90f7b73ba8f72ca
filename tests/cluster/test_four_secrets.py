"""One command installs the service with four secrets as values, and its documentation is served on the node port."""

from itertools import chain
from urllib.parse import urlsplit

import httpx2

from tests import kubernetes, serving
from tests.conftest import SECRET_KEY
from tests.relay import relayed
from tests.scripted_model import ScriptedModel

NODE_PORT = 30801
"""Another one than the default, which the release of the other tests has."""


def test_four_secrets_are_enough(image: str, database_url: str, scripted: ScriptedModel) -> None:
    with (
        kubernetes.in_new_namespace(image) as release,
        relayed(database_url, host=release.this_machine) as url,
    ):
        model = urlsplit(scripted.url)
        repository, _, tag = image.rpartition(":")
        values = {
            "secrets.DATABASE_URL": url,
            "secrets.SECRET_KEY": SECRET_KEY,
            "secrets.OPENAI_API_KEY": scripted.key,
            "secrets.OPENAI_BASE_URL": model._replace(netloc=f"{release.this_machine}:{model.port}").geturl(),
        }
        settings = chain.from_iterable(("--set", f"{name}={value}") for name, value in values.items())
        of_the_test = (
            "--set",
            f"image.repository={repository},service.nodePort={NODE_PORT}",
            "--set-string",
            f"image.tag={tag}",
        )
        release.helm("install", str(kubernetes.CHART), *settings, *of_the_test, "--create-namespace", "--wait")
        release.node_port = NODE_PORT
        release.address = release.find_address()

        documentation = httpx2.get(f"{release.url}/docs", verify=serving.ANY_CERTIFICATE)
        assert documentation.status_code == 200
        assert "swagger" in documentation.text
        assert "Succeeded" in release.helm("test", "--timeout", "2m")
