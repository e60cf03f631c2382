"""The certificates of a server: which one is shown to whom, and new ones while it runs.

Their files are looked at every second or so. When they have changed, and are not changing any
more, they are read anew: so certificate and key may be replaced one after the other. What cannot
be used is told of and refused whole, and what was there before stays. Connections keep what
they began with; only new ones get the new certificates.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import structlog
from cryptography import x509

from slipstream.errors import SlipstreamError
from slipstream.tls.self_signed import make_self_signed, self_signed
from slipstream.tls.settings import CertificateFiles, TlsSettings

log = structlog.get_logger()

PROTOCOLS = ["http/1.1"]  # by ALPN (RFC 7301); who offers none of them is served all the same
WARN_S = 14 * 86_400.0  # before the end of a certificate
WARN_AGAIN_S = 86_400.0

Prints: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A pair that has been read.

    Attributes:
        names: for which it is shown, in lower case; `*.` stands for one part of a name.
        expires_at: seconds since 1970.
    """

    context: ssl.SSLContext
    names: Sequence[str]
    expires_at: float


class Certificates:
    """`load()` once, then `look()` every second; `context` is for each new connection.

    Args:
        settings_of: gives the settings, which may change.
        folder: where the pair of `auto` is.
        clock: seconds since 1970.

    Attributes:
        context: of the server's connections; None: there is no certificate that can be used.
        expires_at: when the first of the certificates ends, in seconds since 1970; None: never.
    """

    def __init__(
        self, settings_of: Callable[[], TlsSettings], folder: Path, clock: Callable[[], float]
    ) -> None:
        self.context: ssl.SSLContext | None = None
        self.expires_at: float | None = None
        self._settings_of = settings_of
        self._folder = folder
        self._clock = clock
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._tried: Prints = ()  # what the files were like when they were read
        self._seen: Prints = ()
        self._warned_at = float("-inf")

    def load(self) -> None:
        """Read the files now, or else say why what was there before stays."""
        self._tried = self._seen = self._prints()
        try:
            found = [self._read(files) for files in self._files()]
        except SlipstreamError as error:
            log.warning("tls.refused", reason=str(error), kept=self.context is not None)
            return
        by_name: dict[str, ssl.SSLContext] = {}
        for certificate in found:
            for name in certificate.names:
                by_name.setdefault(name, certificate.context)
        self._by_name = by_name
        self.context = found[0].context if found else None
        self.expires_at = min((one.expires_at for one in found), default=None)
        self._warned_at = float("-inf")
        if found:
            log.info("tls.loaded", names=sorted(by_name), expires=_date(self.expires_at))

    def look(self) -> None:
        """Read the files if they have changed; warn before one of them is no longer good."""
        prints = self._prints()
        if prints != self._tried and prints == self._seen:
            self.load()
        self._seen = prints
        now = self._clock()
        ends = self.expires_at is not None and self.expires_at - now < WARN_S
        if ends and now - self._warned_at >= WARN_AGAIN_S:
            self._warned_at = now
            log.warning("tls.expires", date=_date(self.expires_at))

    def _files(self) -> Sequence[CertificateFiles]:
        certificates = self._settings_of().certificates
        return [self_signed(self._folder)] if certificates == "auto" else certificates

    def _prints(self) -> Prints:
        """What tells files that have changed."""
        prints: list[object] = []
        for files in self._files():
            for path in (files.certificate, files.key):
                try:
                    stat = path.stat()
                except OSError as error:
                    prints.append((path, error.errno))
                else:
                    prints.append((path, stat.st_mtime_ns, stat.st_size, stat.st_ino))
            prints.append(tuple(files.hosts))
        return tuple(prints)

    def _read(self, files: CertificateFiles) -> Certificate:
        certificate = read(files)
        certificate.context.sni_callback = self._choose
        return certificate

    def _choose(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """Show the certificate of the name that is asked for, if there is one."""
        if name is not None:
            context = self._by_name.get(name.lower())
            if context is None:
                context = self._by_name.get("*." + name.lower().partition(".")[2])
            if context is not None:
                tls.context = context


def prepare(settings: TlsSettings, folder: Path) -> None:
    """See whether a server can start with these settings; make what `auto` needs.

    Raises:
        SlipstreamError: which file cannot be used, and why.
    """
    if settings.certificates == "auto":
        read(make_self_signed(folder))
    else:
        for files in settings.certificates:
            read(files)


def read(files: CertificateFiles) -> Certificate:
    """Read a pair.

    Raises:
        SlipstreamError: which file cannot be used, and why.
    """
    path = files.certificate
    try:
        own = x509.load_pem_x509_certificates(path.read_bytes())[0]
        path = files.key
        path.read_bytes()  # for an error that names it
    except OSError as error:
        raise SlipstreamError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SlipstreamError(f"{path} holds no certificate in PEM form") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0  # each context has keys of its own: of no use to other workers
    context.set_alpn_protocols(PROTOCOLS)
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = f"is not the key of {files.certificate}"
        else:
            reason = f"cannot be used: {(error.reason or str(error)).lower().replace('_', ' ')}"
        raise SlipstreamError(f"{files.key} {reason}") from error
    names = [name.lower() for name in files.hosts or _names(own)]
    return Certificate(context, names, own.not_valid_after_utc.timestamp())


def _no_password() -> str:
    return ""  # else OpenSSL would ask for one on the terminal


def _names(certificate: x509.Certificate) -> Sequence[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return extension.value.get_values_for_type(x509.DNSName)


def _date(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).date().isoformat()
