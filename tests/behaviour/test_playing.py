"""What those who watch over RTMP get, and when."""

from __future__ import annotations

from slipstream.media import Kind, build_metadata, parse_tag
from slipstream.rtmp import Code, Ended, MessageType
from tests.behaviour.pictures import CONFIGS, CONFIGS_AGAIN, GOP_MS, METADATA, bodies, gop
from tests.behaviour.visits import on_air
from tests.hub.stage import audio_config, inter, key, sound, video_config
from tests.raw_client import RawClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer

ONE_MORE = len(gop(0))
GREETING = len(CONFIGS)
SOUNDS = [sound(20 * number, b"%d" % number) for number in range(80)]
SURE_AFTER_MS = 1_000  # of sound without a picture


def test_a_player_may_come_before_the_publisher(server: RunningServer, stream: str) -> None:
    with RtmpClient.playing(server.play_url(stream)) as player:
        server.wait_for_viewers(stream, 1, started=False)
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*CONFIGS, *gop(0))
            assert bodies(player.take(GREETING + ONE_MORE)) == bodies([*CONFIGS, *gop(0)])


def test_a_player_gives_up_waiting_in_the_end(server: RunningServer, stream: str) -> None:
    with RtmpClient.playing(server.play_url(stream)) as player:
        ended = player.wait_for(Ended)
    assert isinstance(ended, Ended)
    assert ended.code == Code.PLAY_STREAM_NOT_FOUND


def test_who_joins_in_mid_gop_starts_with_its_keyframe(server: RunningServer, stream: str) -> None:
    with on_air(server, stream) as station:
        station.send(*gop(GOP_MS)[:-2])
        with RtmpClient.playing(server.play_url(stream)) as player:
            came = player.take(GREETING + ONE_MORE - 2)
            station.send(*gop(GOP_MS)[-2:])
            came += player.take(2)
    assert bodies(came) == bodies([*CONFIGS, *gop(GOP_MS)])
    assert [message.timestamp for message in came[: GREETING + 1]] == [0] + [GOP_MS] * GREETING


def test_sound_alone_plays_at_once_if_announced(server: RunningServer, stream: str) -> None:
    announcement = parse_tag(Kind.DATA, 0, build_metadata({"audiocodecid": 10.0}))
    sent = [announcement, audio_config(), *SOUNDS]
    with (
        RtmpClient.playing(server.play_url(stream)) as player,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        publisher.send(*sent)
        assert bodies(player.take(len(sent))) == bodies(sent)


def test_sound_alone_plays_once_it_is_clear_that_no_picture_comes(
    server: RunningServer, stream: str
) -> None:
    heard = [sound for sound in SOUNDS if sound.dts_ms >= SURE_AFTER_MS]
    with (
        RtmpClient.playing(server.play_url(stream)) as player,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        publisher.send(audio_config(), *SOUNDS)
        came = player.take(1 + len(heard))
    assert bodies(came) == bodies([audio_config(), *heard])


def test_pictures_alone_play(server: RunningServer, stream: str) -> None:
    pictures = [frame for frame in gop(0) if frame.kind == Kind.VIDEO]
    with (
        RtmpClient.playing(server.play_url(stream)) as player,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        publisher.send(video_config(), *pictures)
        assert bodies(player.take(1 + len(pictures))) == bodies([video_config(), *pictures])


def test_one_connection_plays_two_streams(server: RunningServer, stream: str) -> None:
    names = [f"{stream}-a", f"{stream}-b"]
    with (
        RtmpClient.publishing(server.publish_url(names[0])) as one,
        RtmpClient.publishing(server.publish_url(names[1])) as other,
        RawClient(server).connect() as player,
    ):
        ids = [player.create_stream() for _ in names]
        for stream_id, name in zip(ids, names, strict=True):
            player.command("play", 0, None, name.removeprefix("live/"), stream_id=stream_id)
        for name in names:
            server.wait_for_viewers(name, 1)
        one.send(*CONFIGS, *gop(0))
        other.send(*CONFIGS, *gop(5_000))
        one.send(*gop(GOP_MS, filling=70_000))
        wanted = [*CONFIGS, *gop(0), *gop(GOP_MS, filling=70_000)]
        assert bodies(player.take(ids[0], len(wanted))) == bodies(wanted)
        assert bodies(player.take(ids[1], GREETING + ONE_MORE)) == bodies([*CONFIGS, *gop(5_000)])


def test_one_connection_publishes_and_plays(server: RunningServer, stream: str) -> None:
    name = stream.removeprefix("live/")
    with (
        RawClient(server).connect() as client,
        RtmpClient.playing(server.play_url(stream)) as other,
    ):
        publish_id, play_id = client.create_stream(), client.create_stream()
        client.command("play", 0, None, name, stream_id=play_id)
        query = f"?key={server.key}"
        client.command("publish", 0, None, name + query, "live", stream_id=publish_id)
        client.hear_status(Code.PUBLISH_START)
        frames = [*CONFIGS, *gop(0)]
        for kind, _, dts_ms, *_, body in frames:
            client.send(publish_id, kind, dts_ms, body)
        assert bodies(client.take(play_id, len(frames))) == bodies(frames)
        assert bodies(other.take(len(frames))) == bodies(frames)


def test_a_pause_ends_with_the_newest_keyframe(server: RunningServer, stream: str) -> None:
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RawClient(server).connect() as player,
    ):
        stream_id = player.create_stream()
        player.command("play", 0, None, stream.removeprefix("live/"), stream_id=stream_id)
        publisher.send(*CONFIGS, *gop(0))
        player.take(stream_id, GREETING + ONE_MORE)

        player.command("pause", 0, None, True, 0, stream_id=stream_id)
        player.hear_status("NetStream.Pause.Notify")
        publisher.send(*gop(GOP_MS), *gop(2 * GOP_MS))
        assert player.take_for(0.3, stream_id) == []

        player.command("pause", 0, None, False, 0, stream_id=stream_id)
        player.hear_status("NetStream.Unpause.Notify")
        later = sound(3 * GOP_MS, b"later")
        publisher.send(later)
        came = player.take(stream_id, len(CONFIGS_AGAIN) + ONE_MORE + 1)
    assert bodies(came) == bodies([*CONFIGS_AGAIN, *gop(2 * GOP_MS), later])


def test_who_wants_no_sound_gets_none(server: RunningServer, stream: str) -> None:
    came = _after(server, stream, "receiveAudio", False)
    assert came == [frame.body for frame in gop(GOP_MS) if frame.kind == Kind.VIDEO]


def test_who_wants_no_picture_gets_none(server: RunningServer, stream: str) -> None:
    came = _after(server, stream, "receiveVideo", False)
    assert came == [frame.body for frame in gop(GOP_MS) if frame.kind == Kind.AUDIO]


def test_a_picture_that_is_wanted_again_comes_back_with_a_keyframe(
    server: RunningServer, stream: str
) -> None:
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RawClient(server).connect() as player,
    ):
        stream_id = player.create_stream()
        player.command("play", 0, None, stream.removeprefix("live/"), stream_id=stream_id)
        publisher.send(*CONFIGS, *gop(0)[:5])
        player.take(stream_id, GREETING + 5)
        for enabled in (False, True):
            player.command("receiveVideo", 0, None, enabled, stream_id=stream_id)
        player.command("getStreamLength", 9, None, "x")  # its answer says that all was obeyed
        player.hear_command("_result")
        publisher.send(*gop(0)[5:], *gop(GOP_MS))
        wanted = [frame for frame in gop(0)[5:] if frame.kind == Kind.AUDIO] + gop(GOP_MS)
        assert bodies(player.take(stream_id, len(wanted))) == bodies(wanted)


def _after(server: RunningServer, stream: str, command: str, *arguments: bool) -> list[bytes]:
    """What a player gets of the next pictures and sounds when it has asked for something."""
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RawClient(server).connect() as player,
    ):
        stream_id = player.create_stream()
        player.command("play", 0, None, stream.removeprefix("live/"), stream_id=stream_id)
        publisher.send(*CONFIGS, *gop(0))
        player.take(stream_id, GREETING + ONE_MORE)
        player.command(command, 0, None, *arguments, stream_id=stream_id)
        player.command("getStreamLength", 9, None, "x")  # its answer says that all was obeyed
        player.hear_command("_result")
        publisher.send(*gop(GOP_MS))
        return bodies(player.take_for(0.5, stream_id))


def test_a_player_that_stops_may_play_again(server: RunningServer, stream: str) -> None:
    name = stream.removeprefix("live/")
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RawClient(server).connect() as player,
    ):
        publisher.send(*CONFIGS, *gop(0))
        for _ in range(3):
            stream_id = player.create_stream()
            player.command("play", 0, None, name, stream_id=stream_id)
            assert bodies(player.take(stream_id, GREETING + 1))[-1] == gop(0)[0].body
            player.command("deleteStream", 0, None, stream_id)
            player.hear_status(Code.PLAY_STOP)
            player.heard.clear()
        server.wait_for_viewers(stream, 0)


def test_a_new_configuration_reaches_viewers_in_mid_stream(
    server: RunningServer, stream: str
) -> None:
    new_config = video_config(GOP_MS, b"\0")
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RtmpClient.playing(server.play_url(stream)) as player,
    ):
        publisher.send(*CONFIGS, *gop(0))
        player.take(GREETING + ONE_MORE)
        publisher.send(new_config, *gop(GOP_MS))
        assert bodies(player.take(1 + ONE_MORE)) == bodies([new_config, *gop(GOP_MS)])
        with RtmpClient.playing(server.play_url(stream)) as newcomer:
            greeting = bodies(newcomer.take(GREETING))
    assert greeting == bodies([METADATA, audio_config(), new_config])


def test_messages_longer_than_a_chunk_arrive_whole(server: RunningServer, stream: str) -> None:
    pictures = [
        key(0, bytes(range(256)) * 1000),
        inter(40, b"x" * 59_990),
        inter(80, b"y" * 59_991),
    ]
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RtmpClient.playing(server.play_url(stream)) as player,
    ):
        publisher.send(video_config(), *pictures)
        came = player.take(1 + len(pictures))
    assert bodies(came)[1:] == bodies(pictures)
    assert came[1].type_id == MessageType.VIDEO
