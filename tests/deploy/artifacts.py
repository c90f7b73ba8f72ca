"""Builds the Lambda functions with `sam build` and collects the packages that Lambda's runtime provides."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.deploy import template
from tests.run_once import run_once_across_processes

TOOLS: Final = template.ROOT / ".tools/aws"
SAM: Final = TOOLS / "bin/sam"
ARCHITECTURE: Final = "x86_64" if platform.machine() == "x86_64" else "arm64"
"""Processor architecture of this machine, by the name that Lambda uses."""
_RUNTIME: Final = (
    "awslambdaric",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "runtime_client*.so",
    "s3transfer",
    "simplejson",
    "six.py",
    "snapshot_restore_py.py",
    "urllib3",
)


@dataclass(frozen=True)
class Artifact:
    """Handler, code and layers of one built Lambda function."""

    handler: str
    code: Path
    layers: tuple[Path, ...]

    @property
    def path(self) -> list[Path]:
        """Module search path on Lambda: the function's code, then its layers."""
        return [self.code, *(layer / "python" for layer in self.layers)]


@dataclass(frozen=True)
class Build:
    """Built layers and functions for one processor architecture."""

    architecture: str
    layers: dict[str, Path]
    functions: dict[str, Artifact]


def build(architecture: str, folder: Path) -> Build:
    """Runs `sam build`, once for all processes of the test run. Returns the built layers and functions."""
    artifacts = folder / architecture / "build"

    def run_sam() -> None:
        override = f"Architecture={architecture}"
        built = subprocess.run(
            (SAM, "build", "--build-dir", artifacts, "--parameter-overrides", override),
            cwd=template.ROOT,
            env={**environment(), "ARCHITECTURE": architecture},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert built.returncode == 0, built.stdout

    run_once_across_processes(folder / f"built-{architecture}", run_sam)
    functions = {
        name: Artifact(
            handler=properties["Handler"],
            code=artifacts / name,
            layers=tuple(artifacts / layer for layer in template.layers_of(name)),
        )
        for name, properties in template.functions().items()
    }
    layers = {name: artifacts / name for name in template.resources("AWS::Serverless::LayerVersion")}
    return Build(architecture, layers, functions)


def runtime(folder: Path) -> Path:
    """Returns a folder with links to those packages in `.tools/aws` that Lambda's Python image also has."""
    packages = folder / "runtime"

    def link() -> None:
        packages.mkdir()
        site = TOOLS / "lib/python3.13/site-packages"
        for pattern in _RUNTIME:
            (found,) = site.glob(pattern)
            (packages / found.name).symlink_to(found)

    run_once_across_processes(folder / "linked-runtime", link)
    return packages


def environment() -> dict[str, str]:
    """Returns environment variables for AWS tools: those of this process, a region, and telemetry switched off."""
    return {**os.environ, "AWS_DEFAULT_REGION": "eu-central-1", "SAM_CLI_TELEMETRY": "0"}
