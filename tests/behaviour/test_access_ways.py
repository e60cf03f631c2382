"""Every way of being let in, over RTMP and HTTP: right in; wrong, late and for others out.

FFmpeg speaks Adobe's and Limelight's authentication, so it is the client there. One server has an
application for each way.
"""

from __future__ import annotations

import base64
import hmac
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import monotonic, sleep, time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from slipstream.access import Action, Store, StreamKeys, Users
from slipstream.access.signed import signed_query
from slipstream.media import build_metadata, parse_tag
from slipstream.rtmp import Code
from tests.behaviour.pictures import CONFIGS, bodies, gop
from tests.behaviour.visits import end_of, refusal
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, running_server

FILM = Path(__file__).parent.parent / "captures" / "h264-aac.flv"
ED25519 = ed25519.Ed25519PrivateKey.generate()
HOUR_S = 3600

SETTINGS = """
[streams]
grace_s = 1
wait_s = 2

[apps.token.access]
publish = "token"
play = "token"

[apps.provider.access]
publish = ["key", "token"]
token_keys = "{provider}/jwks.json"

[apps.moved.access]
publish = "token"
token_keys = "{provider}/moved"

[apps.signed.access]
publish = "signed"
play = "signed"

[apps.adobe]
access.publish = "user"

[apps.lime.access]
publish = "user"
user_scheme = "llnw"

[apps.here]
access.publish_allow = ["127.0.0.1"]
access.play_deny = ["127.0.0.8/29"]

[apps.pages]
access.referers = ["*.example.com"]
access.origins = ["https://example.com"]

[apps.slim.access]
publish = "anonymous"
max_kbps = 1000
max_width = 640

[apps.warned.access]
publish = "anonymous"
max_kbps = 1000
excess = "warn"

[apps.first.access]
publish = "anonymous"
max_kbps = 1000
excess = "refuse"
"""

Made = Callable[..., str]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a server with a JWKS, which it also says to have moved."""
    key = jwt.algorithms.OKPAlgorithm.to_jwk(ED25519.public_key())
    body = f'{{"keys":[{key[:-1]},"kid":"a"}}]}}'.encode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            moved = self.path == "/moved"
            self.send_response(302 if moved else 200)
            self.send_header("Location", "/jwks.json")
            self.end_headers()
            self.wfile.write(b"" if moved else body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ways")


@pytest.fixture(scope="module")
def guarded(folder: Path, provider: str) -> Iterator[RunningServer]:
    settings = SETTINGS.format(provider=provider)
    with running_server(folder, settings=settings) as server:
        Users(Store(folder)).put("ann", "secret")
        yield server


@pytest.fixture(scope="module")
def signing_key(guarded: RunningServer, folder: Path) -> str:
    return (folder / "signing.key").read_text().strip()


@pytest.fixture
def token(signing_key: str) -> Made:
    """Makes the query of a token that lets somebody publish `token/cam`, if not told otherwise."""

    def made(**others: object) -> str:
        said = {"exp": time() + HOUR_S, "action": "publish", "app": "token", "name": "cam"}
        return f"token={jwt.encode(said | others, signing_key, algorithm='HS256')}"

    return made


@pytest.fixture
def signed(signing_key: str) -> Made:
    """The same for a signed URL."""

    def made(
        action: Action = Action.PUBLISH, stream: str = "signed/cam", left_s: int = HOUR_S
    ) -> str:
        return signed_query(signing_key, action, stream, int(time()) + left_s)

    return made


def status(url: str, **headers: str) -> int:
    """What HTTP says to somebody who asks only whether the stream is there."""
    request = urllib.request.Request(url, headers=headers, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def is_published(url: str) -> bool:
    with RtmpClient.publishing(url) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        publisher.leave()
    return True


def out(server: RunningServer, stream: str, query: str, reason: str, source: str) -> None:
    """Somebody may not publish, is told so, and the log says why."""
    ended = refusal(f"{server.play_url(stream)}?{query}", source=source)
    assert ended.code == Code.PUBLISH_BAD_NAME
    server.wait_for_log(f'publish.refused .*{source} reason="{reason}.* stream={stream}')


def test_stream_keys_are_made_rotated_and_disabled_while_the_server_runs(
    guarded: RunningServer, folder: Path
) -> None:
    keys = StreamKeys(Store(folder))
    stored, key = keys.add("live", "cam")
    url = guarded.play_url("live/cam")
    assert is_published(f"{url}?key={key}")
    source = "127.0.0.21"
    out(guarded, "live/other", f"key={key}", f"key {stored.id} is for another stream", source)
    _, new = keys.rotate(stored.id)
    assert is_published(f"{url}?key={new}")
    out(guarded, "live/cam", f"key={key}", "wrong key", source)
    keys.disable(stored.id)
    out(guarded, "live/cam", f"key={new}", f"key {stored.id} is disabled", source)
    assert is_published(guarded.publish_url("live/cam"))  # with the key of the first start


def test_tokens_for_publishing(guarded: RunningServer, token: Made) -> None:
    assert is_published(f"{guarded.play_url('token/cam')}?{token()}")
    source, good = "127.0.0.22", token()
    flipped = good[:-20] + chr(ord(good[-20]) ^ 1) + good[-19:]
    out(guarded, "token/cam", token(exp=time() - 1), "the token has expired", source)
    out(guarded, "token/cam", token(action="play"), "the token is for another action", source)
    out(guarded, "token/cam2", good, "the token is for another stream", source)
    out(guarded, "token/cam", flipped, "wrong token", source)
    out(guarded, "token/cam", "x=1", "no credential", source)


def test_tokens_for_playing(guarded: RunningServer, token: Made) -> None:
    flv, rtmp = guarded.flv_url("token/cam"), guarded.play_url("token/cam")
    plays = token(action="play")
    with RtmpClient.publishing(f"{rtmp}?{token()}") as publisher:
        publisher.send(*CONFIGS, *gop(0))
        with RtmpClient.playing(f"{rtmp}?{plays}") as player:
            player.take(1)
        assert status(f"{flv}?{plays}") == 200
        assert status(f"{flv}?{token()}") == 403
        assert status(flv) == 403
        guarded.wait_for_log('play.refused .*stream=token/cam protocol=http-flv reason="the token')
        with RtmpClient.playing(f"{rtmp}?{token()}") as player:
            assert end_of(player).code == Code.PLAY_STREAM_NOT_FOUND
        guarded.wait_for_log('play.refused .*id=rtmp.*reason="the token is for another action')


def test_tokens_with_keys_at_an_address_beside_stream_keys(guarded: RunningServer) -> None:
    claims = {"exp": time() + HOUR_S, "action": ["publish"], "app": "prov*", "name": "*"}
    good = jwt.encode(claims, ED25519, algorithm="EdDSA", headers={"kid": "a"})
    assert is_published(f"{guarded.play_url('provider/cam')}?token={good}")
    assert is_published(guarded.publish_url("provider/cam"))
    other = jwt.encode(claims, ed25519.Ed25519PrivateKey.generate(), algorithm="EdDSA")
    out(guarded, "provider/cam", f"token={other}", "wrong token", "127.0.0.23")


def test_tokens_with_forged_signatures(guarded: RunningServer) -> None:
    said = {"exp": time() + HOUR_S, "action": "publish", "app": "*", "name": "*"}
    public = ED25519.public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": "a"}
    forged = [
        jwt.encode(said, None, algorithm="none", headers={"kid": "a"}),
        *(hs256(header, said, secret) for secret in (raw, pem)),
    ]
    for number, token in enumerate(forged):
        for app in ("token", "provider"):
            source = f"127.0.0.{60 + number}"
            out(guarded, f"{app}/cam", f"token={token}", "wrong token", source)
            sleep(0.1)  # the log takes twenty such lines a second, of all workers


def hs256(header: dict[str, str], said: dict[str, object], secret: bytes) -> str:
    """A token as no library would make it: of a public key as if it were a secret."""
    parts = [json.dumps(part).encode() for part in (header, said)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.digest(secret, text, "sha256")).rstrip(b"=")
    return f"{text.decode()}.{signature.decode()}"


def test_keys_at_an_address_that_redirects_are_none(guarded: RunningServer) -> None:
    claims = {"exp": time() + HOUR_S, "action": "publish", "app": "*", "name": "*"}
    good = jwt.encode(claims, ED25519, algorithm="EdDSA", headers={"kid": "a"})
    assert is_published(f"{guarded.play_url('provider/cam')}?token={good}")
    assert refusal(f"{guarded.play_url('moved/cam')}?token={good}").code == Code.PUBLISH_BAD_NAME
    guarded.wait_for_log("redirects are not followed")


def test_nobody_takes_a_live_name_with_another_key(guarded: RunningServer, folder: Path) -> None:
    keys, url = StreamKeys(Store(folder)), guarded.play_url("live/taken")
    ours, theirs = keys.add("live")[1], keys.add("live")[1]
    with (
        RtmpClient.publishing(f"{url}?key={ours}") as publisher,
        RtmpClient.playing(url) as player,
    ):
        sent = [*CONFIGS, *gop(0)]
        publisher.send(*sent)
        assert bodies(player.take(len(sent))) == bodies(sent)
        took_s = []
        for number in range(5):
            began_at = monotonic()
            assert refusal(f"{url}?key={theirs}").code == Code.PUBLISH_BAD_NAME
            took_s.append(monotonic() - began_at)
            more = gop(200 * (number + 1))
            publisher.send(*more)
            assert bodies(player.take(len(more))) == bodies(more)
        assert min(took_s) < 0.2  # nobody has to wait for a no, but a busy machine may
        (only,) = guarded.stream("live/taken")["publishers"]
        assert only["state"] == "on air"


def test_signed_urls(guarded: RunningServer, signed: Made) -> None:
    source, rtmp = "127.0.0.24", guarded.play_url("signed/cam")
    with RtmpClient.publishing(f"{rtmp}?{signed()}") as publisher:
        publisher.send(*CONFIGS, *gop(0))
        with RtmpClient.playing(f"{rtmp}?{signed(Action.PLAY)}") as player:
            player.take(1)
        flv = guarded.flv_url("signed/cam")
        assert status(f"{flv}?{signed(Action.PLAY)}") == 200
        assert status(f"{flv}?{signed()}") == 403
        assert status(f"{flv}?{signed(Action.PLAY, left_s=-1)}") == 403
    out(guarded, "signed/cam", signed(left_s=-1), "the signed URL has expired", source)
    out(guarded, "signed/cam", signed(stream="signed/a"), "wrong signature", source)
    out(guarded, "signed/cam", signed(Action.PLAY), "wrong signature", source)


@pytest.mark.parametrize("app", ["adobe", "lime"])
def test_ffmpeg_with_user_and_password(guarded: RunningServer, app: str, tmp_path: Path) -> None:
    def publish(who: str) -> subprocess.CompletedProcess[str]:
        url = guarded.play_url(f"{app}/cam").replace("//", f"//{who}", 1)
        command = [sys.executable, "-m", "tests.pyav_client", "publish", str(FILM), url]
        copy = str(tmp_path / "copy.flv")
        return subprocess.run(
            [*command, copy], capture_output=True, text=True, timeout=60, check=False
        )

    done = publish("ann:secret@")
    assert done.returncode == 0, done.stderr
    guarded.wait_for_log(f"publish.start .*stream={app}/cam")
    assert publish("ann:guess@").returncode != 0
    guarded.wait_for_log(f'connect.refused .*app={app} reason="wrong user or password"')


def test_who_does_not_say_who_it_is_is_asked(guarded: RunningServer) -> None:
    ended = refusal(guarded.play_url("adobe/cam"))
    assert ended.code == Code.CONNECT_REJECTED
    assert "code=403 need auth; authmod=adobe" in ended.description


def test_addresses(guarded: RunningServer) -> None:
    with RtmpClient.publishing(guarded.publish_url("here/cam")) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        with RtmpClient.playing(guarded.play_url("here/cam")) as player:
            player.take(1)
        with RtmpClient.playing(guarded.play_url("here/cam"), source="127.0.0.9") as player:
            assert end_of(player).code == Code.PLAY_STREAM_NOT_FOUND
    out(guarded, "here/cam", f"key={guarded.key}", "not from this address", "127.0.0.25")


def test_pages(guarded: RunningServer) -> None:
    url, good = guarded.flv_url("pages/cam"), "https://www.example.com/watch"
    with RtmpClient.publishing(guarded.publish_url("pages/cam")) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        guarded.wait_for_log("publish.start .*stream=pages/cam")
        assert status(url, Referer=good) == 200
        assert status(url, Referer=good, Origin="https://example.com") == 200
        assert status(url) == 403
        assert status(url, Referer="https://evil.example/") == 403
        assert status(url, Referer=good, Origin="https://evil.example") == 403


def send_4_mbit(publisher: RtmpClient, seconds: int) -> None:
    """All at once: what counts is when it comes, and it comes within one window."""
    for start_ms in range(0, seconds * 1000, 200):
        publisher.send(*gop(start_ms, filling=20_000))  # 5 pictures of 20 KB in 200 ms


def test_too_high_a_bitrate_ends_the_publication(guarded: RunningServer) -> None:
    with RtmpClient.publishing(guarded.play_url("slim/cam")) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        send_4_mbit(publisher, 2)
        ended = end_of(publisher)
    assert ended.code == Code.PUBLISH_DENIED
    assert "limit 1000 kbit/s" in ended.description
    guarded.wait_for_log("publish.excess .*stream=slim/cam limit=bitrate action=cut")


def test_too_high_a_bitrate_may_be_a_warning(guarded: RunningServer) -> None:
    with RtmpClient.publishing(guarded.play_url("warned/cam")) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        send_4_mbit(publisher, 2)
        guarded.wait_for_log("publish.excess .*stream=warned/cam limit=bitrate action=warn")
        assert guarded.stream("warned/cam")["publishers"]


def test_who_announces_too_much_does_not_go_on_air(guarded: RunningServer) -> None:
    metadata = parse_tag(18, 0, build_metadata({"videodatarate": 4000.0}))
    with RtmpClient.publishing(guarded.play_url("first/cam")) as publisher:
        publisher.send(metadata)
        assert end_of(publisher).code == Code.PUBLISH_DENIED
    with RtmpClient.publishing(guarded.play_url("first/cam")) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        guarded.wait_for_log("publish.start .*stream=first/cam")
        send_4_mbit(publisher, 2)
        guarded.wait_for_log("publish.excess .*stream=first/cam limit=bitrate action=refuse")
        assert guarded.stream("first/cam")["publishers"]


def test_a_token_brings_a_policy_of_its_own(guarded: RunningServer, token: Made) -> None:
    limited = token(policy={"max_kbps": 1000}, name="limited")
    with RtmpClient.publishing(f"{guarded.play_url('token/limited')}?{limited}") as publisher:
        publisher.send(*CONFIGS, *gop(0))
        send_4_mbit(publisher, 2)
        assert end_of(publisher).code == Code.PUBLISH_DENIED


def test_five_wrong_tokens_and_signatures_are_heard(
    guarded: RunningServer, token: Made, signed: Made
) -> None:
    source = "127.0.0.26"
    for number in range(3):
        out(guarded, "token/cam", f"token=x{number}", "wrong token", source)
    for number in range(2):
        out(guarded, "signed/cam", f"expires=1{number}&sig=x", "wrong signature", source)
    out(guarded, "token/cam", token(), "too many wrong keys", source)
    out(guarded, "signed/cam", signed(), "too many wrong keys", source)
