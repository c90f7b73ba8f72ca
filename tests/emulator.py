"""Runs built functions with AWS's runtime interface client and emulator, much as Lambda runs them.

Both are installed in `.tools/aws`. They need no container.
"""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx2

from functions.groups import GROUPS
from tests import serving
from tests.deploy.artifacts import ARCHITECTURE, TOOLS, Artifact, Build
from tests.room import ROOM_SECONDS
from tests.service_client import ServiceClient
from tests.serving import Functions, LambdaEvent

_INIT_REPORT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")


@dataclass
class Emulator:
    """Emulator of one function. The function starts at the first invocation and handles one invocation at a time."""

    url: str
    process: subprocess.Popen[bytes]
    log: IO[str]
    seconds: float
    client: httpx2.Client
    _invocation: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, event: LambdaEvent) -> object:
        """Invokes the function. Returns the handler's response, or the runtime's description of the error."""
        with self._invocation:
            response = self.client.post(self.url, content=json.dumps(event), timeout=self.seconds + 30)
        return response.json() if response.content else None

    def output(self) -> str:
        """Returns the output of the function and the emulator so far."""
        self.log.seek(0)
        return self.log.read()

    def lines(self) -> list[dict[str, object]]:
        """Returns the function's log lines, which are the lines of its output in JSON."""
        return [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]

    @property
    def init_milliseconds(self) -> float:
        """Milliseconds from the start of the function's runtime until the handler is ready."""
        found = _INIT_REPORT.search(self.output())
        assert found, self.output()
        return float(found[1])


@contextmanager
def emulator(
    artifact: Artifact, runtime: Path, environment: Mapping[str, str], *, seconds: int = 29
) -> Iterator[Emulator]:
    """Runs a built function in the emulator until the end of the block.

    `runtime` is a folder with the packages of Lambda's image. `environment` is added to the variables that Lambda sets.
    """
    port = serving.free_port()
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed after the process ends
    process = subprocess.Popen(
        _command(artifact, port),
        env={**_variables(artifact, runtime, seconds), **environment},
        cwd=artifact.code,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait_until_listening(port, process)
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        with httpx2.Client(verify=serving.ANY_CERTIFICATE, timeout=ROOM_SECONDS) as client:
            yield Emulator(url, process, log, seconds, client)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def _command(artifact: Artifact, port: int) -> list[str]:
    (emulator,) = TOOLS.glob(f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{ARCHITECTURE}")
    return [
        *(str(emulator), "--log-level", "info"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{serving.free_port()}"),
        # -S hides the packages in .tools/aws that Lambda does not have.
        *(str(TOOLS / "bin/python"), "-S", "-m", "awslambdaric", artifact.handler),
    ]


def _variables(artifact: Artifact, runtime: Path, seconds: int) -> dict[str, str]:
    """Returns the environment variables that Lambda sets for a function."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, [*artifact.path, runtime])),
        # Python writes no bytecode on Lambda, whose disk is read-only.
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(artifact.code),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }


def _wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, f"The emulator ended with {process.returncode}"
        time.sleep(0.02)
    raise TimeoutError("The emulator does not listen.")


class OnEmulator:
    """Surface that sends each request as an event to the built function of its route, in the emulator."""

    name = "emulator"

    def __init__(self, emulators: Mapping[str, Emulator]) -> None:
        self._emulators = emulators

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        transport = Functions(self._invoke, scheme=scheme, address=address or serving.new_address())
        return ServiceClient(transport=transport, base_url=f"{scheme}://api.example.com")

    def _invoke(self, group: str, event: LambdaEvent) -> dict[str, Any]:
        response = self._emulators[group].invoke(event)
        assert isinstance(response, dict)
        # API Gateway responds with 500 if a function fails or returns a malformed response.
        return response if "statusCode" in response else {"statusCode": 500, "body": json.dumps(response)}


@contextmanager
def on_emulator(build: Build, runtime: Path, environment: Mapping[str, str]) -> Iterator[OnEmulator]:
    with ExitStack() as stack:
        yield OnEmulator(
            {
                group.name: stack.enter_context(emulator(build.functions[group.function_name], runtime, environment))
                for group in GROUPS
            }
        )
