"""What the server shows to those who connect with TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _path(place: object) -> object:
    return Path(place).expanduser() if isinstance(place, str) and place else place


PemFile = Annotated[Path, BeforeValidator(_path)]


class CertificateFiles(BaseModel):
    """A certificate and its private key, both as PEM."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    certificate: PemFile
    """With the whole chain, the server's own first: `fullchain.pem`."""
    key: PemFile
    """Without a password: `privkey.pem`."""
    hosts: list[str] = []
    """For which names it is shown; those of the certificate if there are none."""


class TlsSettings(BaseModel):
    """RTMPS and HTTPS: off while there are no certificates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    certificates: Literal["auto"] | list[CertificateFiles] = Field(
        default=[],
        description="Files, as { certificate = FILE, key = FILE, hosts = [NAME] } each; hosts may "
        "be left out. The first is shown to those who ask for no name that is known. auto makes "
        "one that nobody trusts, for development.",
    )

    @property
    def is_on(self) -> bool:
        """Whether there are certificates."""
        return bool(self.certificates)
