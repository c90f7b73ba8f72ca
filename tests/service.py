"""The process of the service, which is killed and started again on the same port."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests import serving


@dataclass
class Service:
    """`python -m functions` with these settings. Its output is appended to the file `log`."""

    settings: Mapping[str, str]
    log: Path
    port: int = field(default_factory=serving.free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the process and waits until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "functions"),
                env={**os.environ, **self.settings, "HOST": "127.0.0.1", "PORT": str(self.port)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        serving.wait_until_healthy(self.url, self.process)

    def kill(self) -> None:
        """Ends the process at once, without a chance to finish anything."""
        if self.process:
            self.process.kill()
            self.process.wait()
