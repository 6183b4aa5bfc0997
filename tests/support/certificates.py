"""A certificate authority for a test, and what it signs; needs openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: Path
    key: Path


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def authority(folder: Path, name: str) -> Pair:
    """A self-signed authority."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"),
        *("-keyout", str(pair.key), "-out", str(pair.certificate)),
    )
    return pair


def signed(folder: Path, by: Pair, name: str, *, host: str = "") -> Pair:
    """A certificate of that authority; `host` makes it a server's."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    request, extra = folder / f"{name}.csr", folder / f"{name}.ext"
    kind = "serverAuth" if host else "clientAuth"
    names = f"\nsubjectAltName=IP:{host}" if host else ""
    extra.write_text(f"extendedKeyUsage={kind}{names}\n")
    openssl(
        *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"),
        *("-keyout", str(pair.key), "-out", str(request)),
    )
    openssl(
        *("x509", "-req", "-in", str(request), "-CA", str(by.certificate), "-CAkey", str(by.key)),
        *("-CAcreateserial", "-days", "1", "-extfile", str(extra), "-out", str(pair.certificate)),
    )
    return pair
