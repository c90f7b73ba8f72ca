"""The functions in containers, behind `sam local start-api`: with any Docker engine that this machine reaches.

Both the database and the model are on this machine, or where the environment says:
- `SAM_DATABASE_URL` is the server of TEST_DATABASE_URL as containers reach it.
- `SAM_HOST` is the name of this machine inside of containers.
- `SAM_OPTIONS` are more options for the command, for example `--skip-pull-image`.
"""

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx2
import yaml

from tests import serving
from tests.certificates import self_signed
from tests.deploy.artifacts import SAM, Build, environment

_HOST: Final = "host.docker.internal"

_ONLY_TEXT: Final = "it answers 502 itself to a body that is not UTF-8, where API Gateway hands on Base64"
_LOOPBACK: Final = "it tells the address of the connection, and this machine has but one of IPv6 to come from"
# Parts of the names of tests, and what the command does unlike API Gateway.
_LEFT_OUT: Final = {
    "test_addresses_of_one_ipv6_network_are_one": _LOOPBACK,
    "test_an_ipv4_address_may_be_written_as_ipv6": _LOOPBACK,
    "test_each_request_gets_an_id_of_its_own": "it gives all requests the same id",
    "of_ours[sam-{'method': 'PURGE'": "it answers 403 itself to unusual methods",
    r"'content': b'\\xff\\xfe'": _ONLY_TEXT,
    "test_what_cannot_be_read_is_malformed[sam-login-not UTF-8]": _ONLY_TEXT,
    "test_what_cannot_be_read_is_malformed[sam-register-not UTF-8]": _ONLY_TEXT,
    "test_a_body_in_another_encoding_is_a_problem": _ONLY_TEXT,
    "test_one_that_is_not_utf_8_is_refused": _ONLY_TEXT,
    "test_surrogates_as_bytes_are_refused": _ONLY_TEXT,
}


def reason_to_leave_out(test: str) -> str | None:
    """Why nothing could pass this test behind the command."""
    return next((reason for part, reason in _LEFT_OUT.items() if part in test), None)


class OnSam:
    """The command over HTTP, and, once a test asks for it, another over HTTPS."""

    name = "sam"

    def __init__(self, build: Build, settings: Mapping[str, str], running: ExitStack) -> None:
        self._build, self._settings, self._running = build, settings, running
        self._urls: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._numbers = count(1)

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        if scheme not in self._urls:
            start = _start_api(self._build, self._settings, scheme=scheme)
            self._urls[scheme] = self._running.enter_context(start)
        # The command tells a function the address of the connection, and trusts no header.
        local = self._loopback(address or serving.new_address())
        transport = httpx2.HTTPTransport(local_address=local, verify=False)
        return httpx2.Client(base_url=self._urls[scheme], transport=transport, timeout=60)

    def _loopback(self, address: str) -> str:
        """An address of this machine for each one that a test has made up."""
        if address not in self._addresses:
            number = next(self._numbers)
            self._addresses[address] = f"127.{1 + number // 65536}.{number // 256 % 256}.{number % 256}"
        return self._addresses[address]


@contextmanager
def on_sam(build: Build, settings: Mapping[str, str]) -> Iterator[OnSam]:
    with ExitStack() as running:
        yield OnSam(build, _as_containers_see(settings), running)


def _as_containers_see(settings: Mapping[str, str]) -> dict[str, str]:
    database, model = urlsplit(settings["DATABASE_URL"]), urlsplit(settings["OPENAI_BASE_URL"])
    outside = urlsplit(os.environ["SAM_DATABASE_URL"])._replace(path=database.path)
    host = f"{os.environ.get('SAM_HOST', _HOST)}:{model.port}"
    return {
        **settings,
        "DATABASE_URL": urlunsplit(outside),
        "OPENAI_BASE_URL": urlunsplit(model._replace(netloc=host)),
    }


@contextmanager
def _start_api(build: Build, settings: Mapping[str, str], *, scheme: str) -> Iterator[str]:
    """Runs the command until the end of the block, over the built template with the settings in it."""
    artifacts = next(iter(build.functions.values())).code.parent
    port = serving.free_port()
    template = artifacts / f"template-{port}.json"
    template.write_text(json.dumps(_with_settings(artifacts / "template.yaml", settings)))
    options = ["--template", str(template), "--port", str(port), "--warm-containers", "EAGER", "--no-watch"]
    options += ["--parameter-overrides", f"Architecture={build.architecture}"]
    if "SAM_HOST" not in os.environ:
        options += ["--add-host", f"{_HOST}:host-gateway"]
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it closes with the process
    with tempfile.TemporaryDirectory() as folder:
        if scheme == "https":
            certificate = self_signed(Path(folder))
            options += ["--ssl-cert-file", str(certificate.chain), "--ssl-key-file", str(certificate.key)]
        process = subprocess.Popen(
            [SAM, "local", "start-api", *options, *shlex.split(os.environ.get("SAM_OPTIONS", ""))],
            # What the environment says of a variable comes before the template.
            env={**environment(), **settings},
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"{scheme}://127.0.0.1:{port}"
            serving.wait_until_healthy(url, process, seconds=300)
            yield url
        except (RuntimeError, TimeoutError) as error:
            log.seek(0)
            raise RuntimeError(f"{error}:\n{log.read()}") from None
        finally:
            # It removes its containers first.
            process.terminate()
            process.wait(timeout=60)
            log.close()


def _with_settings(template: Path, settings: Mapping[str, str]) -> object:
    """The template, with what it declares and what only tests set; the command passes on nothing else."""
    document = yaml.safe_load(template.read_text())
    document["Globals"]["Function"]["Environment"]["Variables"].update(settings)
    return document
