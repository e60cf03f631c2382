"""Applications as people have them behind nginx-rtmp and SRS, written from those servers' pages.

They know nothing of us: a form or JSON comes in over HTTP, a status or a number goes out.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.server import wait_until

PASSWORD = "wonderland"

Fields = dict[str, Any]


class Backend:
    """Made by `backend()`.

    Attributes:
        got: what was posted: the path, and the fields.
        ids: of what was posted, in the same order.
        posts: headers and body of the same.
        is_down: it answers 503 to everything.
        fails_at_first: the event that it answers 500 to, once each.
        failed: the ids of what it has so answered.
    """

    def __init__(self) -> None:
        self.got: list[tuple[str, Fields]] = []
        self.ids: list[str] = []
        self.posts: list[tuple[Message, bytes]] = []
        self.is_down = False
        self.fails_at_first = ""
        self.failed: set[str] = set()
        self.url = ""
        self.ending = threading.Event()

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Take what was posted, and answer."""
        path = urlsplit(request.path).path
        if self.is_down:
            _say(request, 503)
            return
        kind = request.headers["Content-Type"]
        if kind == "application/x-www-form-urlencoded":
            form = parse_qs(body.decode(), keep_blank_values=True)
            fields: Fields = {name: values[-1] for name, values in form.items()}
        else:
            fields = json.loads(body)
        message_id = request.headers["webhook-id"]
        if fields.get("event") == self.fails_at_first and message_id not in self.failed:
            self.failed.add(message_id)
            _say(request, 500)
            return
        self.got.append((path, fields))
        self.ids.append(message_id)
        self.posts.append((request.headers, body))
        getattr(self, f"_{path.strip('/').replace('/', '_')}")(request, fields)

    def wait_for(self, count: int, what: str) -> list[Fields]:
        """The fields of all whose call, action or event is `what`, once there are so many."""

        def found() -> list[Fields]:
            names = ("call", "action", "event")
            return [f for _, f in list(self.got) if what in (f.get(name) for name in names)]

        wait_until(lambda: len(found()) >= count, f"{count} times {what}")
        return found()

    # github.com/arut/nginx-rtmp-module/wiki/Directives#notify

    def _on_publish(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        _say(request, 200 if fields.get("psk") == PASSWORD else 403)

    def _on_connect(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        _say(request, 200 if fields.get("psk") == PASSWORD else 403)

    def _done(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        _say(request, 200)

    # ossrs.io/lts/en-us/docs/v5/doc/http-callback

    def _api_v1_clients(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        good = fields["action"] != "on_connect" or PASSWORD in fields["tcUrl"]
        _say(request, 200, b'{"code": 0}' if good else b'{"code": 403}')

    def _api_v1_streams(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        query = parse_qs(fields["param"].lstrip("?"))
        good = fields["action"] != "on_publish" or query.get("token") == [PASSWORD]
        _say(request, 200, b'{"code": 0, "data": null}' if good else b'{"code": 1}')

    def _api_v1_sessions(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        _say(request, 200, b"0" if PASSWORD in fields["param"] else b"1")

    # Ours

    def _events(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        _say(request, 204)

    def _may_connect(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        allow = json.dumps({"allow": PASSWORD in fields["query"], "cache_s": 60})
        _say(request, 200, allow.encode())

    def _yes(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        _say(request, 200)

    def _no(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        _say(request, 403)

    # Broken ones

    def _error(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        _say(request, 500, b'{"allow": true}')

    def _flood(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        _say(request, 200, b'{"allow": true, "reason": "' + b"x" * (1 << 20) + b'"}')

    def _redirect(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        request.send_response(307)
        request.send_header("Location", f"{self.url}/yes")
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _hang(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        self.ending.wait()

    def _drip(self, request: BaseHTTPRequestHandler, fields: Fields) -> None:
        request.send_response(200)
        request.end_headers()
        while not self.ending.is_set():
            request.wfile.write(b" ")
            time.sleep(0.1)


def _say(request: BaseHTTPRequestHandler, status: int, body: bytes = b"") -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def backend() -> Iterator[Backend]:
    """A backend on a free port, in threads of this process."""
    ours = Backend()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with suppress(ConnectionError):  # whoever asks did not want to wait
                ours.answer(self, body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    ours.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield ours
    finally:
        ours.ending.set()
        server.shutdown()
        server.server_close()
