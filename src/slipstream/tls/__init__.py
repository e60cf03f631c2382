"""TLS without sockets: records in and out, the server's certificates, what clients trust."""

from slipstream.tls.certificates import Certificates, prepare
from slipstream.tls.connection import TlsConnection, TlsError
from slipstream.tls.settings import CertificateFiles, TlsSettings
from slipstream.tls.trust import client_context

__all__ = [
    "CertificateFiles",
    "Certificates",
    "TlsConnection",
    "TlsError",
    "TlsSettings",
    "client_context",
    "prepare",
]
