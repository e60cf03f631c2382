"""A certificate of our own making, for development: it encrypts, but nobody vouches for it."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from slipstream.errors import SlipstreamError
from slipstream.tls.settings import CertificateFiles

VALID_DAYS = 397  # browsers take none that lasts longer
RENEWED_DAYS = 30  # before its end it is made anew, when the server starts
ADDRESSES = ("127.0.0.1", "::1")


def self_signed(folder: Path) -> CertificateFiles:
    """Where the pair is that `make_self_signed()` keeps in the data folder."""
    return CertificateFiles(
        certificate=folder / "self-signed.crt", key=folder / "self-signed.key", hosts=[]
    )


def make_self_signed(folder: Path) -> CertificateFiles:
    """Make the pair unless there is one that will do; only its owner can read it.

    Raises:
        SlipstreamError: it cannot be kept in the folder.
    """
    files = self_signed(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _will_do(files.certificate) or not files.key.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            secret = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            _keep(files.key, secret)
            certificate = _certificate(key).public_bytes(serialization.Encoding.PEM)
            _keep(files.certificate, certificate)
    except OSError as error:
        raise SlipstreamError(
            f"cannot keep a certificate in the data folder {folder}: {error.strerror}"
        ) from error
    return files


def _will_do(path: Path) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return certificate.not_valid_after_utc - datetime.now(UTC) > timedelta(days=RENEWED_DAYS)


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Slipstream, self-signed")])
    hosts = dict.fromkeys(("localhost", socket.gethostname()))
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts if host.isascii()]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _keep(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, for its owner's eyes only."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
