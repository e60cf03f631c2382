"""Certificates to show, and two ends of a TLS connection without a network."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from slipstream.tls import CertificateFiles, TlsConnection


def make_pair(
    folder: Path, *names: str, days: float = 90, stem: str = "", hosts: tuple[str, ...] = ()
) -> CertificateFiles:
    """A new certificate for these names and its key, in files called after the first name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    stem = stem or names[0].replace("*", "any")
    files = CertificateFiles(
        certificate=folder / f"{stem}.crt", key=folder / f"{stem}.key", hosts=list(hosts)
    )
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def trusting_anybody() -> ssl.SSLContext:
    """A client's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class ForeignEnd:
    """A client of the standard library, with buffers of its own; as foreign as there is one."""

    def __init__(self, context: ssl.SSLContext, name: str | None = None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        self.is_established = False
        self.has_ended = False

    def hear(self, data: bytes) -> bytes:
        """Take records; what they say."""
        self._in.write(data)
        said = b""
        try:
            if not self.is_established:
                self.tls.do_handshake()
                self.is_established = True
            while part := self.tls.read():
                said += part
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_ended = True
        return said

    def say(self, data: bytes = b"") -> bytes:
        """Records that say this, after those that are to be sent anyway."""
        if data:
            self.tls.write(data)
        return self._out.read()


def shake_hands(server: TlsConnection, client: ForeignEnd) -> None:
    """Until both have agreed."""
    client.hear(b"")
    while not (server.is_established and client.is_established):
        server.receive_data(client.say())
        client.hear(server.data_to_send())


def shown_to(context: ssl.SSLContext, name: str | None) -> set[str]:
    """The names of the certificate that a client sees who asks for a name."""
    server, client = TlsConnection(context), ForeignEnd(trusting_anybody(), name)
    shake_hands(server, client)
    shown = client.tls.getpeercert(binary_form=True)
    assert shown is not None
    names = x509.load_der_x509_certificate(shown).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return set(names.value.get_values_for_type(x509.DNSName))
