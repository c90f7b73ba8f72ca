"""Runs the service's container image on the Docker engine that the command `docker` on PATH uses."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from tests import serving
from tests.service_client import ServiceClient

HOST: Final = "host.docker.internal"
"""Host name under which containers reach this machine."""
API, METRICS = 8000, 9090
BRIDGES: Final = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
"""Networks of Docker's bridges. Containers see connections from this machine under an address of these networks."""
HARDENED: Final = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")


def docker(*arguments: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Runs a Docker command and returns its output. Raises AssertionError with its error output if it fails."""
    ended = _run(arguments, environment or {}, stdin)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def docker_error(*arguments: str) -> str:
    """Runs a Docker command that must fail and returns its error output."""
    ended = _run(arguments, {})
    assert ended.returncode != 0
    return ended.stderr


def _run(arguments: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("docker", *arguments),
        env={**os.environ, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def inspect(image: str) -> dict[str, Any]:
    (found,) = json.loads(docker("image", "inspect", image))
    return dict(found)


def size_of_base(image: str) -> int:
    """Returns the size of a base image in bytes.

    Builds an image from the base only, because the engine does not list base images that a build has fetched.
    """
    size: int = inspect(docker("build", "--quiet", "-", stdin=f"FROM {image}"))["Size"]
    return size


def run(image: str, *command: str, options: Sequence[str] = HARDENED, **variables: str) -> tuple[int, str]:
    """Runs a command in a new container. Returns its exit code and its output, error output included."""
    ended = _run(("run", "--rm", *options, *_env_options(variables), *_TO_HOST, image, *command), variables)
    return ended.returncode, ended.stdout + ended.stderr


_TO_HOST: Final = (f"--add-host={HOST}:host-gateway",)


def _env_options(variables: Mapping[str, str]) -> list[str]:
    # Docker reads the values from its environment, so the list of processes shows no secrets.
    return [f"--env={name}" for name in variables]


@dataclass(frozen=True)
class Container:
    """Container that runs the API of the service."""

    id: str

    @property
    def url(self) -> str:
        return self._url(API)

    @property
    def metrics_url(self) -> str:
        return f"{self._url(METRICS)}/metrics"

    def _url(self, port: int) -> str:
        return f"http://{docker('port', self.id, f'{port}/tcp').splitlines()[0]}"

    @property
    def state(self) -> dict[str, Any]:
        (found,) = json.loads(docker("container", "inspect", self.id))
        return dict(found["State"])

    @property
    def health(self) -> str:
        return str(self.state["Health"]["Status"])

    @property
    def log(self) -> str:
        return docker("logs", self.id)

    def seconds_to_health(self) -> float:
        """Returns the seconds from the start of the container to its first successful health check.

        Subtracts the time that the container's main thread waited for a processor.
        """
        self.wait_until_healthy()
        state = self.state
        started, healthy = (
            datetime.fromisoformat(text) for text in (state["StartedAt"], state["Health"]["Log"][-1]["End"])
        )
        return (healthy - started).total_seconds() - next(self._processor_waits(), 0)

    def stop(self, *, max_seconds: int = 30) -> float:
        """Stops the container and returns the seconds from the signal to the end of the container.

        Subtracts the time that the container's main thread waited for a processor.
        """
        command = ("docker", "events", "--since=10s", f"--filter=container={self.id}", "--format={{json .}}")
        with ThreadPoolExecutor(1) as thread, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as events:
            assert events.stdout
            waits = thread.submit(list, self._processor_waits())
            docker("stop", f"--time={max_seconds}", self.id)
            moments: dict[str, int] = {}
            while "die" not in moments:
                event = json.loads(events.stdout.readline())
                moments.setdefault(event["Action"], event["timeNano"])
            events.terminate()
        first, *_, last = waits.result() or (0, 0)
        return (moments["die"] - moments["kill"]) / 1e9 - (last - first)

    def _processor_waits(self) -> Iterator[float]:
        """Yields the total seconds that the container's main thread has waited for a processor.

        Yields a value every 20 ms until the thread ends, and no value if the engine runs on another machine.
        """
        process = Path(f"/proc/{self.state['Pid']}")
        with suppress(OSError):
            while self.id in (process / "cgroup").read_text():
                yield int((process / "schedstat").read_text().split()[1]) / 1e9
                time.sleep(0.02)

    def client(self, *, headers: Mapping[str, str] | None = None) -> httpx2.Client:
        return ServiceClient(base_url=self.url, headers=headers, timeout=60, verify=serving.ANY_CERTIFICATE)

    def wait_until_healthy(self) -> None:
        serving.wait_until(lambda: self.health == "healthy" or not self.state["Running"], seconds=120)
        assert self.state["Running"], self.log


@contextmanager
def container(
    image: str, variables: Mapping[str, str], *command: str, options: Sequence[str] = HARDENED
) -> Iterator[Container]:
    """Runs an image of the API in a container until the end of the block."""
    ports = (f"--publish=127.0.0.1::{port}" for port in (API, METRICS))
    arguments = ("run", "--detach", *options, *ports, *_TO_HOST, *_env_options(variables), image, *command)
    started = Container(docker(*arguments, environment=variables))
    try:
        yield started
    finally:
        docker("rm", "--force", "--volumes", started.id)


@dataclass(frozen=True)
class OnEngine:
    """Surface that sends requests to a container, which trusts the forwarded headers of this machine."""

    container: Container
    name: str = "container"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        return self.container.client(headers=serving.forwarded_headers(scheme, address))


def settings_for_containers(environment: Mapping[str, str], database_url: str) -> dict[str, str]:
    """Returns the settings with this database URL and with a model URL that containers can reach."""
    model = urlsplit(environment["OPENAI_BASE_URL"])
    return {
        **environment,
        "DATABASE_URL": database_url,
        "OPENAI_BASE_URL": model._replace(netloc=f"{HOST}:{model.port}").geturl(),
        "MAIL_URL": environment["MAIL_URL"].replace("localhost", HOST),
    }
