"""What `slipstream serve` prints when it is up: what to paste into an encoder, how to watch."""

from __future__ import annotations

import socket

from slipstream.access import API_TOKEN_FILE, Keys
from slipstream.control.configuration.config import Config

RTMP_PORT = "1935"  # may be left out of an address
SUFFIX = {"rtmps": "", "https": ".flv"}  # of an address to watch
EVERYWHERE = ("0.0.0.0", "[::]")  # noqa: S104 (to recognise it)
ELSEWHERE = ("192.0.2.1", 9)  # documentation's own network (RFC 5737); nothing is sent there


def welcome(config: Config, keys: Keys, rtmp: str, http: str, *encrypted: str) -> str:
    """The text.

    Args:
        config: of the server.
        keys: of the server; the publishing key is shown, the API token's file is named.
        rtmp: where RTMP is listened to, as `host:port`.
        http: the same of HTTP.
        encrypted: of RTMPS and HTTPS, as far as there are such.
    """
    host, _, port = _shown(rtmp).rpartition(":")
    server = f"rtmp://{host}/live" if port == RTMP_PORT else f"rtmp://{host}:{port}/live"
    web = f"http://{_shown(http)}"
    open_to_all = config.access_settings("live/x").publish == "anonymous"
    key = "NAME" if open_to_all else f"NAME?key={keys.publish_key}"
    who = "Anybody may publish." if open_to_all else "Publishing needs the key."
    page = f"  Page      {web}/\n\n" if config.page.enabled else ""
    console = f"{web}/console\n            " if config.page.enabled and config.page.console else ""
    folder = config.server.data_dir
    schemes = [scheme for scheme, place in config.encrypted()._asdict().items() if place]
    tls = "".join(
        f"            {scheme}://{_shown(place)}/live/NAME{SUFFIX[scheme]}\n"
        for scheme, place in zip(schemes, encrypted, strict=False)
    )
    return f"""\
Slipstream is ready. NAME stands for whatever you want to call the stream.

  Publish   server       {server}
            stream key   {key}
            {who}

{page}  Watch     {server}/NAME
            {web}/live/NAME.flv
{tls}
  Look      {console}{web}/api/v1/streams
            with the token in {folder / API_TOKEN_FILE}

  Data      {folder}
"""


def _shown(address: str) -> str:
    """An address that others can use, if the server listens on all."""
    host, _, port = address.rpartition(":")
    return f"{_own_host() if host in EVERYWHERE else host}:{port}"


def _own_host() -> str:
    """The address that this machine has towards the rest of the world."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(ELSEWHERE)  # UDP: the route is looked up, nothing is sent
        except OSError:
            return "localhost"
        return str(sock.getsockname()[0])
