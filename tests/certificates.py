"""Creates self-signed TLS certificates for servers in tests."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """Paths of the PEM files of a certificate and its private key."""

    chain: Path
    key: Path


def self_signed(folder: Path, host: str = "localhost") -> Certificate:
    """Creates a self-signed certificate for the host and its private key in the folder. Requires openssl."""
    certificate = Certificate(folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={host}", "-keyout", certificate.key, "-out", certificate.chain),
        ],
        check=True,
        capture_output=True,
    )
    return certificate
