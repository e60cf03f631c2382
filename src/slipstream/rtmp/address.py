"""Addresses: RTMP URLs, application names and stream names, as people and encoders write them.

Encoders send what somebody once pasted into them, with quotes, spaces, slashes and prefixes
around it. Here it is cleaned up and cut into a name and a query, which is where tokens travel.
Queries are left as they came, not URL-decoded: that is for those who check them. Which names
are allowed in the end is decided elsewhere; here only what could never be a name is refused.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from slipstream.errors import BadNameError, SlipstreamError
from slipstream.rtmp.commands import quoted

MAX_NAME_LENGTH = 255  # characters, query not counted
MAX_URL_LENGTH = 2048  # characters
DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443}

_STRAY = " \t\r\n\"'"  # pasted along with the name
_FILE_KINDS = ("mp4:", "flv:", "mp3:")  # Flash's way; FFmpeg adds "mp4:" to names ending in .mp4


class Address(NamedTuple):
    """A name and the query behind it."""

    name: str
    query: str


class RtmpUrl(NamedTuple):
    """Where a stream is to be published or played."""

    host: str
    port: int
    tls: bool
    app: str  # with its query
    name: str  # with its query
    user: str = ""
    password: str = ""

    @property
    def tc_url(self) -> str:
        """The URL of the application, as `connect` wants it: user and password not included."""
        scheme = "rtmps" if self.tls else "rtmp"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[scheme] else f":{self.port}"
        return f"{scheme}://{host}{port}/{self.app}"


def parse_stream_name(text: str) -> Address:
    """Read the name that `publish` or `play` was given.

    Raises:
        BadNameError: it is empty, too long, or holds control characters.
    """
    name, _, query = text.strip(_STRAY).partition("?")
    name = name.rstrip(_STRAY + "/").removeprefix("/")
    for kind in _FILE_KINDS:
        name = name.removeprefix(kind)
    if not name:
        raise BadNameError("a stream without a name")
    return _checked(name, query)


def parse_app(app: str, tc_url: str) -> Address:
    """Read the application's name; from the URL if the client left it out.

    Raises:
        BadNameError: it is too long, or holds control characters.
    """
    if len(tc_url) > MAX_URL_LENGTH:
        raise BadNameError(f"a tcUrl of {len(tc_url)} characters, limit {MAX_URL_LENGTH}")
    url, _, url_query = tc_url.strip(_STRAY).partition("?")
    name, _, query = app.strip(_STRAY).partition("?")
    if not name:
        _, _, name = url.partition("://")[2].partition("/")
    # Flash names the default instance of an application "_definst_".
    name = name.strip("/").removesuffix("/_definst_").rstrip("/")
    return _checked(name, query or url_query)


def parse_rtmp_url(url: str) -> RtmpUrl:
    """Split a URL as FFmpeg does: of three or more path elements the first two are the app.

    A query that follows the first element belongs to the app, a later one to the name:
    `rtmp://host/app?token=x/name`, `rtmp://host/app/name?token=x`.

    Raises:
        SlipstreamError: it is no RTMP URL, or lacks a host, an app or a name.
    """
    if not url.strip(_STRAY).isprintable():
        raise SlipstreamError(f"{quoted(url)} holds control characters")
    scheme, _, rest = url.strip(_STRAY).partition("://")
    scheme = scheme.lower()
    authority, _, path = rest.partition("/")
    app, name = _split_path(path.lstrip("/"))
    try:
        parts = urlsplit(f"//{authority}")
        host, port = parts.hostname, parts.port
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError as error:
        raise SlipstreamError(f"{quoted(url)}: {error}") from None
    if scheme not in DEFAULT_PORTS or not host or not app or not name:
        raise SlipstreamError(f"{quoted(url)} is not of the form rtmp://host[:port]/app/name")
    tls = scheme == "rtmps"
    return RtmpUrl(host, port or DEFAULT_PORTS[scheme], tls, app, name, user, password)


def _split_path(path: str) -> tuple[str, str]:
    plain, mark, query = path.partition("?")
    elements = plain.split("/")
    if len(elements) == 1:
        token, _, name = query.partition("/")
        return plain + mark + token, name
    # "app/mp4:folder/file" has no instance: the colon says that the name has begun.
    app_elements = 2 if len(elements) > 2 and ":" not in elements[1] else 1
    name = "/".join(elements[app_elements:]) + mark + query
    return "/".join(elements[:app_elements]), name


def _checked(name: str, query: str) -> Address:
    if len(name) > MAX_NAME_LENGTH:
        raise BadNameError(f"a name of {len(name)} characters, limit {MAX_NAME_LENGTH}")
    # Octets that are no UTF-8 came in as lone surrogates, which are not printable either.
    if not (name.isprintable() and query.isprintable()):
        raise BadNameError(f"the name {quoted(name)} holds control characters")
    return Address(name, query)
