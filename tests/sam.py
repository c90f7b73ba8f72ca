"""Runs the built Lambda functions in containers with `sam local start-api`, on any Docker engine.

The environment says where containers find the database and the model:
- `SAM_DATABASE_URL` is the URL under which containers reach the server of TEST_DATABASE_URL.
- `SAM_HOST` is the name under which containers reach this machine (default: host.docker.internal).
- `SAM_OPTIONS` are additional options of `sam local start-api`, for example `--skip-pull-image`.
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
from tests.service_client import ServiceClient

_HOST: Final = "host.docker.internal"

_ONLY_TEXT: Final = "sam local responds with 502 to a body that is not UTF-8; API Gateway passes it on as Base64"
_MEDIA_TYPE: Final = "sam local gives a response without a media type that of JSON"
_LOOPBACK: Final = (
    "sam local passes on the address of the connection, which is a loopback address; for IPv6 there is only one"
)
# Tests that cannot pass: a part of each test's name, and how sam local differs from API Gateway.
EXCLUDED_TESTS: Final = {
    "test_addresses_of_one_ipv6_network_share_a_limit": _LOOPBACK,
    "test_an_ipv4_mapped_ipv6_address_counts_as_ipv4": _LOOPBACK,
    "test_only_digests_of_the_last_eight_are_stored": _LOOPBACK,
    "test_texts_that_are_no_addresses_share_one_limit": _LOOPBACK,
    "test_more_than_128_headers_are_refused": "sam local refuses more than 100 headers itself",
    "test_each_request_gets_its_own_id": "sam local gives all requests the same id",
    "cause_no_server_error[sam-{'method': 'PURGE'": "sam local responds with 403 to unusual methods",
    r"'content': b'\\xff\\xfe'": _ONLY_TEXT,
    "test_an_unreadable_body_is_malformed[sam-login-not UTF-8]": _ONLY_TEXT,
    "test_an_unreadable_body_is_malformed[sam-register-not UTF-8]": _ONLY_TEXT,
    "test_json_in_another_encoding_is_refused[sam-/api/v1/todos-utf-16]": _ONLY_TEXT,
    r"test_a_form_that_is_not_utf8_or_has_many_fields_is_malformed[sam-username=\xff": _ONLY_TEXT,
    "test_a_body_in_another_encoding_is_malformed": _ONLY_TEXT,
    "test_a_body_that_is_not_utf_8_is_refused": _ONLY_TEXT,
    "test_surrogates_encoded_as_utf_8_are_refused": _ONLY_TEXT,
    "test_a_form_without_fields_is_told": _ONLY_TEXT,
    r"test_an_unreadable_form_is_refused[sam-b'a=\\xff'": _ONLY_TEXT,
    "test_the_response_to_a_logout_has_no_body": _MEDIA_TYPE,
    "test_delete_answers_204_without_a_body": _MEDIA_TYPE,
    "test_the_end_of_a_line_in_the_path_is_refused": "sam local has no route for a path with the end of a line",
}


def find_exclusion_reason(test: str) -> str | None:
    """Returns the reason why a test cannot pass with sam local, or None if the test can pass."""
    return next((reason for part, reason in EXCLUDED_TESTS.items() if part in test), None)


class OnSam:
    """Surface that sends requests to sam local. Its processes for HTTP and HTTPS start when a test needs them."""

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
        # The source address must differ, because sam local reports this address to functions and ignores headers.
        local = self._loopback(address or serving.new_address())
        transport = httpx2.HTTPTransport(local_address=local, verify=False)
        return ServiceClient(base_url=self._urls[scheme], transport=transport, timeout=60)

    def _loopback(self, address: str) -> str:
        """Returns the loopback address that stands for an invented address, the same at each call."""
        if address not in self._addresses:
            number = next(self._numbers)
            self._addresses[address] = f"127.{1 + number // 65536}.{number // 256 % 256}.{number % 256}"
        return self._addresses[address]


@contextmanager
def on_sam(build: Build, settings: Mapping[str, str]) -> Iterator[OnSam]:
    with ExitStack() as running:
        yield OnSam(build, _settings_for_containers(settings), running)


def _settings_for_containers(settings: Mapping[str, str]) -> dict[str, str]:
    database, model = urlsplit(settings["DATABASE_URL"]), urlsplit(settings["OPENAI_BASE_URL"])
    outside = urlsplit(os.environ["SAM_DATABASE_URL"])._replace(path=database.path)
    host = f"{os.environ.get('SAM_HOST', _HOST)}:{model.port}"
    return {
        **settings,
        "DATABASE_URL": urlunsplit(outside),
        "OPENAI_BASE_URL": urlunsplit(model._replace(netloc=host)),
        "MAIL_URL": settings["MAIL_URL"].replace("localhost", os.environ.get("SAM_HOST", _HOST)),
    }


@contextmanager
def _start_api(build: Build, settings: Mapping[str, str], *, scheme: str) -> Iterator[str]:
    """Runs sam local until the end of the block and yields its URL.

    Its template is a copy of the built template, with the settings as variables of all functions.
    """
    artifacts = next(iter(build.functions.values())).code.parent
    port = serving.free_port()
    template = artifacts / f"template-{port}.json"
    template.write_text(json.dumps(_with_settings(artifacts / "template.yaml", settings)))
    options = ["--template", str(template), "--port", str(port), "--warm-containers", "EAGER", "--no-watch"]
    options += ["--parameter-overrides", f"Architecture={build.architecture}"]
    if "SAM_HOST" not in os.environ:
        options += ["--add-host", f"{_HOST}:host-gateway"]
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed after the process ends
    with tempfile.TemporaryDirectory() as folder:
        if scheme == "https":
            certificate = self_signed(Path(folder))
            options += ["--ssl-cert-file", str(certificate.chain), "--ssl-key-file", str(certificate.key)]
        process = subprocess.Popen(
            [SAM, "local", "start-api", *options, *shlex.split(os.environ.get("SAM_OPTIONS", ""))],
            # Settings in the environment too, because it has precedence over the variables in the template.
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
            # SIGTERM instead of SIGKILL, so that sam local can remove its containers before it ends.
            process.terminate()
            process.wait(timeout=60)
            log.close()


def _with_settings(template: Path, settings: Mapping[str, str]) -> object:
    """Returns the template with the settings as variables, because sam local passes on declared variables only."""
    document = yaml.safe_load(template.read_text())
    document["Globals"]["Function"]["Environment"]["Variables"].update(settings)
    return document
