"""A certificate that nobody vouches for, as on a developer's machine."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """Files in PEM."""

    chain: Path
    key: Path


def self_signed(folder: Path) -> Certificate:
    """Makes one in the folder."""
    certificate = Certificate(folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", "/CN=localhost", "-keyout", certificate.key, "-out", certificate.chain),
        ],
        check=True,
        capture_output=True,
    )
    return certificate
