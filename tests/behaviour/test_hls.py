"""HLS from the outside: what players get, from any worker, whatever happens to the stream."""

from __future__ import annotations

import io
import socket

import av
import m3u8
import pytest

from tests.behaviour.hls_stage import Show
from tests.formats.hls_reader import Playlist, read_playlist, with_update
from tests.hls_client import HlsClient
from tests.mp4_reader import read_fragments, read_init
from tests.server import RunningServer

PLAYLIST = "application/vnd.apple.mpegurl"
FOREVER = "public, max-age=31536000, immutable"


def uris(playlist: Playlist) -> list[str]:
    return [segment.uri for segment in playlist.segments]


def parts(playlist: Playlist) -> list[str]:
    return [part.uri for segment in playlist.all for part in segment.parts]


# What there is


def test_the_first_playlist_names_those_of_the_tracks(player: HlsClient, stream: str) -> None:
    found = m3u8.loads(player.get(f"/{stream}.m3u8").text)
    name = stream.rpartition("/")[2]
    assert [variant.uri for variant in found.playlists] == [f"{name}@v0.m3u8"]
    assert [one.uri for one in found.media] == [f"{name}@a0.m3u8"]
    for uri in (found.playlists[0].uri, found.media[0].uri):
        assert uri is not None
        playlist = read_playlist(player.get(uri).text)
        assert len(playlist.segments) == 2
        assert len(playlist.under_way.parts) >= 1 if playlist.under_way else False


def test_a_segment_is_its_parts_byte_for_byte(player: HlsClient) -> None:
    for track in ("v0", "a0"):
        for segment in player.playlist(track).segments:
            whole = player.get(segment.uri)
            pieces = [player.get(part.uri).body for part in segment.parts]
            assert whole.status == 200
            assert whole.body == b"".join(pieces)
            assert len(read_fragments(whole.body)) == len(pieces) == 9


def test_ffmpeg_reads_a_track_out_of_its_description_and_segments(player: HlsClient) -> None:
    for track, kind in (("v0", "video"), ("a0", "audio")):
        playlist = player.playlist(track)
        data = player.get(playlist.segments[0].map).body
        assert len(read_init(data)) == 1
        data += b"".join(player.get(uri).body for uri in uris(playlist))
        with av.open(io.BytesIO(data), format="mp4") as source:
            packets = [packet for packet in source.demux() if packet.size]
            assert [one.type for one in source.streams] == [kind]
        assert len(packets) == (100 if kind == "video" else 173)


def test_unknown_names_are_not_there(player: HlsClient, stream: str) -> None:
    playlist = player.playlist("v0")
    first = playlist.first
    for path in (
        f"/{stream}@v1.m3u8",
        f"/{stream}@a0.{first - 1}.m4s",
        f"/{stream}@v0.{first + 50}.m4s",
        f"/{stream}@v0.{first}.99.m4s",
        f"/{stream}@v0.{first + 2}.99.m4s",
        f"/{stream}@v7.{first}.m4s",
        f"/{stream}@v0.00000000.mp4",
        f"/{stream}@x0.m3u8",
        f"/{stream}@v0.{'9' * 30}.m4s",
        f"/{stream}@v0.-1.m4s",
        f"/{stream}/../../etc/passwd@v0.m3u8",
        f"/{stream}%2f..%2f..%2fetc%2fpasswd@v0.m3u8",
    ):
        answer = player.get(path)
        assert answer.status in (400, 404), path
        assert "immutable" not in answer.headers.get("cache-control", "")


# Waiting


def test_a_playlist_is_answered_when_the_part_is_there(
    player: HlsClient, show: Show, server: RunningServer, stream: str
) -> None:
    before = player.playlist("v0")
    assert before.under_way is not None
    number, index = before.under_way.number, len(before.under_way.parts)
    waiting = player.begin(player.playlist_path("v0", f"_HLS_msn={number}&_HLS_part={index}"))
    with HlsClient(server, stream) as other:
        assert parts(other.playlist("v0")) == parts(before)  # it is not there yet
    show.until(show.now_ms + 300)
    after = read_playlist(waiting.answer().text)
    assert parts(after)[: len(parts(before)) + 1] == [*parts(before), before.hint]


def test_a_part_beyond_the_last_one_is_the_first_of_the_next_segment(
    player: HlsClient, show: Show
) -> None:
    """§6.2.5.2."""
    before = player.playlist("v0")
    newest = before.first + 2
    show.until(6_100)  # the third segment is whole, nothing is written of the next one
    whole = read_playlist(player.get(player.playlist_path("v0", f"_HLS_msn={newest}")).text)
    assert len(whole.segments) == 3
    assert whole.under_way is None
    count = len(whole.segments[-1].parts)
    waiting = player.begin(player.playlist_path("v0", f"_HLS_msn={newest}&_HLS_part={count}"))
    show.until(6_500)
    after = read_playlist(waiting.answer().text)
    assert after.under_way is not None
    assert after.under_way.number == newest + 1
    assert after.under_way.parts


def test_a_playlist_is_answered_when_the_segment_is_whole(player: HlsClient, show: Show) -> None:
    before = player.playlist("a0")
    waiting = player.begin(player.playlist_path("a0", f"_HLS_msn={before.first + 2}"))
    show.until(6_500)
    assert len(read_playlist(waiting.answer().text).segments) == 3


def test_what_is_there_is_answered_at_once(player: HlsClient) -> None:
    first = player.playlist("v0").first
    for query in (
        f"_HLS_msn={first - 10}",
        f"_HLS_msn={first}",
        f"_HLS_msn={first + 1}&_HLS_part=3",
    ):
        assert len(player.playlist("v0", query).segments) == 2


def test_who_asks_too_far_ahead_is_refused(player: HlsClient) -> None:
    """§6.2.5.2."""
    before = player.playlist("v0")
    assert before.under_way is not None
    number, count = before.under_way.number, len(before.under_way.parts)
    for query in (
        f"_HLS_msn={number + 3}",
        f"_HLS_msn={number}&_HLS_part={count + 13}",
        "_HLS_part=1",
        "_HLS_msn=x",
        "_HLS_msn=-1",
        f"_HLS_msn={number}&_HLS_part=1e3",
        "_HLS_msn=99999999999999999999",
    ):
        assert player.get(player.playlist_path("v0", query)).status == 400, query


def test_a_hinted_part_is_answered_as_soon_as_it_is_whole(player: HlsClient, show: Show) -> None:
    hint = player.playlist("v0").hint
    waiting = player.begin(player.path(hint))
    show.until(show.now_ms + 300)
    answer = waiting.answer()
    assert answer.status == 200
    assert answer.headers["cache-control"] == FOREVER
    assert hint in parts(player.playlist("v0"))
    assert player.get(hint).body == answer.body


def test_a_segment_that_is_under_way_comes_as_it_is_made(player: HlsClient, show: Show) -> None:
    before = player.playlist("v0")
    assert before.under_way is not None
    path = f"/{player.stream}@v0.{before.under_way.number}.m4s"
    player.begin(path)
    response = player.connection.getresponse()
    first = player.connection.sock is not None and response.read1()
    assert first
    show.until(6_500)
    data = first + response.read()
    assert player.get(path).body == data
    assert response.headers["Transfer-Encoding"] == "chunked"


def test_who_knows_no_chunks_gets_a_segment_when_it_is_whole(
    player: HlsClient, show: Show, server: RunningServer
) -> None:
    """HTTP/1.0, as nginx speaks it unless it is told otherwise."""
    before = player.playlist("v0")
    assert before.under_way is not None
    path = f"/{player.stream}@v0.{before.under_way.number}.m4s"
    with socket.create_connection((server.host, server.http_port), 20) as client:
        client.sendall(f"GET {path} HTTP/1.0\r\nUser-Agent: test\r\n\r\n".encode())
        show.until(6_500)
        data = b""
        while more := client.recv(1 << 16):
            data += more
    head, _, body = data.partition(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0]
    assert player.get(path).body == body


def test_an_update_and_what_was_known_make_the_whole_playlist(
    player: HlsClient, show: Show
) -> None:
    first = player.playlist("v0").first
    show.until(20_300)
    for number in range(first, first + 10):
        player.playlist("v0", f"_HLS_msn={number}")
    newest = f"_HLS_msn={first + 10}"
    before = player.playlist("v0", f"{newest}&_HLS_part=0")
    show.until(20_800)
    whole = player.playlist("v0", f"{newest}&_HLS_part=2")
    update = player.playlist("v0", "_HLS_skip=YES")
    assert update.skipped
    made = with_update(before, update)
    assert uris(made) == uris(whole)
    assert made.under_way == whole.under_way


# How it is answered


def test_ranges_are_answered(player: HlsClient) -> None:
    path = player.playlist("v0").segments[0].uri
    whole = player.get(path)
    assert whole.headers["accept-ranges"] == "bytes"
    size, tag = len(whole.body), whole.headers["etag"]
    for wanted, expected in (
        ("bytes=0-9", whole.body[:10]),
        ("bytes=10-", whole.body[10:]),
        ("bytes=-7", whole.body[-7:]),
        (f"bytes=5-{size + 100}", whole.body[5:]),
    ):
        answer = player.get(path, Range=wanted)
        assert (answer.status, answer.body) == (206, expected)
        start = size - 7 if wanted == "bytes=-7" else int(wanted[6:].partition("-")[0])
        place = f"bytes {start}-{start + len(expected) - 1}/{size}"
        assert answer.headers["content-range"] == place
        assert player.get(path, Range=wanted, If_Range=tag).status == 206
        assert player.get(path, Range=wanted, If_Range='"other"').body == whole.body
    beyond = player.get(path, Range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    for strange in ("lines=1-2", "bytes=9-5", "bytes=0-1,5-6", "x"):
        answer = player.get(path, Range=strange)
        assert (answer.status, answer.body) == (200, whole.body)


def test_who_has_it_already_is_told_so(player: HlsClient, show: Show) -> None:
    playlist = player.playlist("v0")
    segment = playlist.segments[0]
    names = [segment.uri, segment.parts[0].uri, segment.map, player.playlist_path("v0")]
    for name in [*names, f"/{player.stream}.m3u8"]:
        tag = player.get(name).headers["etag"]
        known = player.get(name, If_None_Match=tag)
        assert (known.status, known.body, known.headers["etag"]) == (304, b"", tag)
        assert player.get(name, If_None_Match='"other"').status == 200
    tag = player.get(player.playlist_path("v0")).headers["etag"]
    show.until(5_000)
    player.playlist("v0", f"_HLS_msn={playlist.first + 2}&_HLS_part=3")
    assert player.get(player.playlist_path("v0"), If_None_Match=tag).status == 200


def test_head_says_what_get_would(player: HlsClient) -> None:
    segment = player.playlist("v0").segments[0]
    for name in (segment.uri, segment.parts[0].uri, segment.map, player.playlist_path("v0")):
        got = player.get(name)
        head = player.begin(player.path(name), method="HEAD").answer()
        assert (head.status, head.body) == (200, b"")
        for field in ("content-length", "content-type", "etag", "cache-control"):
            assert head.headers[field] == got.headers[field]


def test_only_what_never_changes_is_kept_for_ever(player: HlsClient) -> None:
    playlist = player.playlist("v0")
    segment = playlist.segments[0]
    for name in (segment.uri, segment.parts[0].uri, segment.map):
        assert player.get(name).headers["cache-control"] == FOREVER
    for query, expected in (("", "max-age=1"), (f"_HLS_msn={playlist.first}", "max-age=2")):
        answer = player.get(player.playlist_path("v0", query))
        assert answer.headers["cache-control"] == expected


def test_only_playlists_are_compressed(player: HlsClient) -> None:
    path = player.playlist_path("v0")
    plain, packed = player.get(path), player.get(path, Accept_Encoding="gzip, deflate")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert len(packed.body) < len(plain.body) / 2
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["vary"]
        assert answer.headers["content-type"] == PLAYLIST
    segment = player.playlist("v0").segments[0]
    for name in (segment.uri, segment.parts[0].uri, segment.map):
        assert "content-encoding" not in player.get(name, Accept_Encoding="gzip").headers


def test_types_say_what_it_is(player: HlsClient) -> None:
    for track, kind in (("v0", "video/mp4"), ("a0", "audio/mp4")):
        segment = player.playlist(track).segments[0]
        for name in (segment.uri, segment.parts[0].uri, segment.map):
            assert player.get(name).headers["content-type"] == kind


def test_browsers_of_other_sites_may_look(player: HlsClient) -> None:
    segment = player.playlist("v0").segments[0]
    for name in (segment.uri, segment.parts[0].uri, segment.map, player.playlist_path("v0"), "x"):
        path = player.path(name)
        answer = player.get(
            path if name != "x" else f"/{player.stream}@v0.1.m4s", Origin="https://x"
        )
        assert answer.headers["access-control-allow-origin"] == "*"
    options = player.begin(player.playlist_path("v0"), method="OPTIONS", Origin="https://x")
    assert options.answer().status == 204


def test_one_connection_serves_for_everything(player: HlsClient) -> None:
    sock = player.connection.sock
    segment = player.playlist("v0").segments[0]
    for name in (segment.uri, segment.parts[0].uri, segment.map, "nothing.m3u8@", segment.uri):
        player.get(name)
    assert player.connection.sock is sock


def test_a_query_is_carried_on_to_all_addresses(player: HlsClient, stream: str) -> None:
    query = "token=a.b-c_d~e&x=%20"
    found = m3u8.loads(player.get(f"/{stream}.m3u8?{query}").text)
    assert found.playlists[0].uri.endswith(f"@v0.m3u8?{query}")
    playlist = player.playlist("v0", f"{query}&_HLS_skip=YES&_HLS_msn={0}")
    names = [*uris(playlist), *parts(playlist), playlist.hint, *playlist.reports]
    names += [segment.map for segment in playlist.all]
    assert all(name.endswith(f"?{query}") for name in names)
    assert player.get(playlist.segments[0].uri).status == 200


@pytest.mark.parametrize("query", ['a="b"', "a=<x>", "a=%22", "a='", "a=%0d%0a%23EXT", "a=%C3%A4"])
def test_no_query_breaks_a_playlist(player: HlsClient, query: str) -> None:
    playlist = player.playlist("v0", query)
    assert len(playlist.segments) == 2
    assert player.get(playlist.segments[0].uri).status == 200
