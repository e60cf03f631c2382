"""What the server shows to those who connect with TLS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError


def _path(place: object) -> object:
    if not isinstance(place, str | Path):
        raise PydanticCustomError("file", "{name}", {"name": f"{place!r} is no name of a file"})
    return Path(place).expanduser()


def _kind(value: object) -> str:
    return "auto" if isinstance(value, str) else "files"


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

    certificates: Annotated[
        Annotated[Literal["auto"], Tag("auto")] | Annotated[list[CertificateFiles], Tag("files")],
        Discriminator(_kind),  # else mistakes in a file are told as if "auto" were the way out
    ] = Field(
        default=[],
        description="Files, as { certificate = FILE, key = FILE, hosts = [NAME] } each; hosts may "
        "be left out. The first is shown to those who ask for no name that is known. auto makes "
        "one that nobody trusts, for development.",
    )

    @property
    def paths(self) -> Sequence[Path]:
        """The files of certificates that the operator sees to."""
        certificates = self.certificates
        return () if certificates == "auto" else [files.certificate for files in certificates]

    @property
    def is_on(self) -> bool:
        """Whether there are certificates."""
        return bool(self.certificates)
