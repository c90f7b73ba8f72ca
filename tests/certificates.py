"""Self-signed certificate."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """PEM files of a certificate and its private key."""

    chain: Path
    key: Path


def self_signed(folder: Path) -> Certificate:
    """Creates a self-signed certificate for localhost in the folder."""
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
