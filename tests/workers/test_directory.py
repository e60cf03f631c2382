"""Streams over several workers: one home, viewers everywhere, homes that die and move."""

from __future__ import annotations

import asyncio
import socket

import pytest

from slipstream.formats import FlvFormat, RtmpFormat
from slipstream.hub import EndReason, Publication
from slipstream.media import Frame
from slipstream.net.link import Link
from tests.hub.stage import Publisher, audio_config, inter, key, sound, video_config
from tests.workers.stage import CompanyStage, WorkerStage, until


def send(worker: WorkerStage, publication: Publication, *frames: Frame) -> None:
    publication.receive(list(frames), worker.loop.time())


def picture_group(start_ms: int, mark: bytes = b"") -> list[Frame]:
    return [key(start_ms, mark), sound(start_ms + 5), inter(start_ms + 40), inter(start_ms + 80)]


async def test_viewers_in_another_worker_get_every_byte() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        publication = await one.publish()
        send(one, publication, video_config(), audio_config(), *picture_group(0))
        watcher, _ = two.watch()
        other, _ = one.watch()
        await until(lambda: watcher.sync is not None, "the start")
        for number in range(1, 30):
            send(one, publication, *picture_group(number * 120, bytes((number,))))
        await until(lambda: two.log().head_ms == one.log().head_ms, "the end")
        assert other.sync is not None
        theirs, ours = one.content(), two.content()
        assert ours == theirs[-len(ours) :]
        assert len(ours) >= 29 * 4
        assert watcher.form is not None
        assert watcher.sync is not None
        greeting = watcher.form.greet(watcher.sync.greeting, 0)  # type: ignore[arg-type]
        assert greeting == other.form.greet(other.sync.greeting, 0)  # type: ignore[union-attr, arg-type]


async def test_no_media_passes_between_workers() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        publication = await one.publish()
        send(one, publication, video_config(), key(0))
        watcher, _ = two.watch()
        await until(lambda: watcher.sync is not None)
        for number in range(1, 101):
            send(one, publication, inter(number * 40, bytes(50_000)))
        await until(lambda: two.log().head_ms == 4000)
        assert two.log().head > 5_000_000
        assert one.member.feeds.sent_bytes < 10_000


async def test_viewers_wait_in_any_worker_for_a_publisher_in_any() -> None:
    async with CompanyStage(3) as company:
        watchers = [company[number].watch()[0] for number in (1, 2, 3)]
        publication = await company[2].publish()
        send(company[2], publication, video_config(), key(0))
        await until(lambda: all(watcher.sync for watcher in watchers), "the start of all")


async def test_a_format_that_nobody_watches_at_home_is_made_for_those_elsewhere() -> None:
    async with CompanyStage(2) as company:
        publication = await company[1].publish()
        send(company[1], publication, video_config(), key(0), inter(40))
        watcher, _ = company[2].watch(FlvFormat)
        await until(lambda: watcher.sync is not None)
        assert set(company[1].hub.streams["live/a"].audience.forms) == {FlvFormat}
        assert company[2].content(FlvFormat) == company[1].content(FlvFormat)


async def test_a_second_home_is_not_granted_but_told_of() -> None:
    async with CompanyStage(2) as company:
        await company[1].publish()
        assert (await company[2].claim()).home == 1


async def test_when_the_publisher_returns_elsewhere_viewers_go_on_in_steady_time() -> None:
    async with CompanyStage(3) as company:
        one, two, three = company[1], company[2], company[3]
        publication = await one.publish()
        send(one, publication, video_config(), *picture_group(0))
        watchers = [worker.watch()[0] for worker in (one, two, three)]
        await until(lambda: all(watcher.sync for watcher in watchers))
        send(one, publication, *picture_group(120), *picture_group(5000))
        await until(lambda: three.log().head_ms == 5080)
        publication.close(one.loop.time())
        before = three.content()

        again = await two.publish()
        send(two, again, video_config(), *picture_group(700_000, b"new"))
        for worker in (one, two, three):
            await until(lambda worker=worker: worker.log().head_ms > 5080, "the return")
        send(two, again, inter(700_120))
        await until(lambda: three.log().head_ms == one.log().head_ms == two.log().head_ms)
        assert three.content()[: len(before)] == before
        added = three.content()[len(before) :]
        assert one.content()[-len(added) :] == two.content()[-len(added) :] == added
        assert len(added) == 6  # the configuration, the group, one picture
        times = [time for segment in three.log().segments for time in segment.times]
        assert times == sorted(times)
        assert not any(watcher.ended for watcher in watchers)


async def test_viewers_that_stay_get_the_new_configuration_of_whoever_comes_next() -> None:
    async with CompanyStage(3) as company:
        one, two, three = company[1], company[2], company[3]
        first = await one.publish()
        send(one, first, video_config(), *picture_group(0))
        watcher, _ = two.watch()
        await until(lambda: watcher.sync is not None and two.log().head_ms == 80)
        first.close(one.loop.time())
        await until(lambda: not two.hub.streams["live/a"].is_elsewhere)
        before = two.content()
        second = await three.publish()
        send(three, second, video_config(0, b"new"), *picture_group(0), *picture_group(200))
        await until(lambda: two.log().head_ms > 280, "the return")
        config, *pictures = two.content()[len(before) :]
        assert config.endswith(b"new")
        assert len(pictures) == 8


async def test_the_next_home_has_what_was_watched_only_where_the_last_one_was() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        first = await one.publish()
        send(one, first, video_config(), *picture_group(0))
        watcher, _ = one.watch(FlvFormat)
        assert watcher.sync is not None
        company.register.draining(1)
        await two.publish()
        assert FlvFormat in two.hub.streams["live/a"].audience.forms


async def test_announcements_keep_the_pace_of_the_pump_and_none_is_forgotten_at_the_end() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        publication = await one.publish()
        send(one, publication, video_config(), *picture_group(0))
        watcher, _ = two.watch()
        await until(lambda: watcher.sync is not None)
        one.pace.held_s = one.pace.interval_s = 1000.0
        send(one, publication, inter(120))
        sent_bytes = one.member.feeds.sent_bytes
        send(one, publication, inter(160), sound(165), inter(200))
        await asyncio.sleep(0.02)
        assert one.member.feeds.sent_bytes == sent_bytes
        assert two.log().head_ms < 200
        publication.close(one.loop.time())
        await until(lambda: two.log().head_ms == 200, "the rest")
        assert two.content() == one.content()


async def test_a_home_of_a_moment_keeps_the_stream_and_its_time_until_it_is_released() -> None:
    async with CompanyStage(2, grace_s=0) as company:
        one, two = company[1], company[2]
        one.member.directory.settle_s = 0.05
        publication = await one.publish()
        send(one, publication, video_config(), *picture_group(0), *picture_group(7000))
        publication.close(one.loop.time())
        one.hub.tick(one.loop.time() + 60)
        assert not one.hub.streams
        assert (await two.claim()).home == 1
        assert (await one.claim()).floor_ms == 7080
        await until(lambda: "live/a" not in one.member.directory.homes, "the release")
        claim = await two.claim()
        assert claim.home is None


@pytest.mark.parametrize("late_form", [RtmpFormat, FlvFormat])
async def test_who_comes_between_two_publications_gets_the_second_from_its_beginning(
    late_form: type,
) -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        one.member.directory.settle_s = 60  # the home stays the home in between
        publication = await one.publish()
        send(one, publication, video_config(), *picture_group(0))
        early, _ = two.watch(RtmpFormat)
        await until(lambda: early.sync is not None)
        publication.close(one.loop.time())
        await until(lambda: not two.log().is_under_way, "word of the end")
        late, _ = two.watch(late_form)
        await until(lambda: late_form in one.hub.streams["live/a"].audience.forms)
        await asyncio.sleep(0.02)
        assert late.sync is None
        publication = await one.publish()
        send(one, publication, video_config(), *picture_group(0), *picture_group(120))
        await until(lambda: late.sync is not None, "the start")
        log = two.log(late_form)
        assert late.sync == next(sync for sync in log.sync_points if sync.position >= log.era)
        assert late.sync != log.sync_points[-1]


async def test_a_publication_that_is_over_before_it_was_found_is_seen_by_who_waited() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        one.member.directory.settle_s = 60
        waiting, _ = two.watch()
        await until(lambda: "live/a" in two.member.directory.held)
        await asyncio.sleep(0.02)
        publication = await one.publish()
        send(one, publication, video_config(), *picture_group(0), *picture_group(120))
        publication.close(one.loop.time())
        one.hub.tick(one.loop.time())
        await until(lambda: waiting.sync is not None, "the start")
        assert one.content() == two.content()
        assert waiting.sync == two.log().sync_points[0]
        late, _ = two.watch()
        assert late.sync is None


async def test_a_new_home_that_has_nothing_yet_doubles_nothing() -> None:
    async with CompanyStage(3) as company:
        one, two, three = company[1], company[2], company[3]
        publication = await one.publish()
        watchers = [worker.watch()[0] for worker in (two, three)]
        send(one, publication, video_config(), *picture_group(0), *picture_group(120))
        await until(lambda: all(watcher.sync for watcher in watchers))
        publication.close(one.loop.time())
        await until(lambda: not two.hub.streams["live/a"].is_elsewhere, "the release")
        await until(lambda: not three.hub.streams["live/a"].is_elsewhere, "the release")
        before = two.content()
        again = await three.publish()
        await until(lambda: len(three.hub.streams["live/a"].audience.taps) == 2, "all follow")
        await asyncio.sleep(0.02)
        assert two.content() == before
        send(three, again, video_config(), *picture_group(0, b"new"))
        await until(lambda: two.log().head_ms == three.log().head_ms, "the end")
        assert two.content() == [*before, *three.content()[-5:]]


async def test_the_same_home_again_doubles_nothing() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        first = await one.publish()
        send(one, first, video_config(), *picture_group(0))
        watcher, _ = two.watch()
        await until(lambda: watcher.sync is not None and two.log().head_ms == 80)
        first.close(one.loop.time())
        await until(lambda: not two.hub.streams["live/a"].is_elsewhere)
        second = await one.publish()
        send(one, second, video_config(), *picture_group(0, b"again"))
        await until(lambda: two.log().head_ms > 80, "the return")
        assert len(two.content()) == 4 + 5
        assert two.content() == one.content()


async def test_when_a_home_dies_what_it_had_announced_is_kept_and_time_goes_on_after_it() -> None:
    async with CompanyStage(3) as company:
        one, two, three = company[1], company[2], company[3]
        publication = await one.publish()
        send(one, publication, video_config(), *picture_group(0))
        watcher, _ = two.watch()
        await until(lambda: watcher.sync is not None)
        send(one, publication, *picture_group(9000))
        company.kill(1)
        await until(lambda: not two.hub.streams["live/a"].is_elsewhere, "the loss")
        assert two.log().head_ms == 9080
        again = await three.publish()
        send(three, again, video_config(), *picture_group(50))
        await until(lambda: two.log().head_ms > 9080, "the return")
        times = [time for segment in two.log().segments for time in segment.times]
        assert times == sorted(times)
        assert watcher.ended is None


async def test_viewers_of_a_dead_home_are_kept_for_the_grace_period() -> None:
    async with CompanyStage(2, grace_s=2) as company:
        one, two = company[1], company[2]
        publication = await one.publish()
        send(one, publication, video_config(), key(0))
        watcher, _ = two.watch()
        await until(lambda: watcher.sync is not None)
        company.kill(1)
        await until(lambda: not two.hub.streams["live/a"].is_elsewhere)
        two.hub.tick(two.loop.time() + 1)
        assert watcher.ended is None
        two.hub.tick(two.loop.time() + 3)
        assert watcher.ended is EndReason.UNPUBLISHED


async def test_a_supervisor_that_returns_learns_everything_and_nobody_notices() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        publication = await one.publish()
        send(one, publication, video_config(), key(0))
        watcher, _ = two.watch()
        await until(lambda: watcher.sync is not None)
        company.hang_up()
        send(one, publication, inter(40))
        await until(lambda: two.log().head_ms == 40, "media without a supervisor")
        claim = asyncio.create_task(two.claim())
        await company.come_back()
        assert (await claim).home == 1
        send(one, publication, inter(80))
        await until(lambda: two.log().head_ms == 80)
        assert two.content() == one.content()
        assert (await two.publish(name="live/b")).stream.name == "live/b"


async def test_seats_are_counted_over_all_workers() -> None:
    async with CompanyStage(2, max_viewers=2) as company:
        one, two = company[1], company[2]
        publication = await one.publish()
        send(one, publication, video_config(), key(0))
        watchers = [one.watch()[0], two.watch()[0]]
        await until(lambda: all(watcher.sync for watcher in watchers))
        for worker in (one, two):
            late, _ = worker.watch()
            await until(lambda late=late: late.ended is EndReason.FULL)
        company[1].hub.streams["live/a"].audience.end_all(EndReason.KICKED)
        await until(lambda: company.register.streams["live/a"].seats.total() == 1)
        newcomer, _ = two.watch()
        await until(lambda: newcomer.sync is not None)


async def test_a_publishers_limit_of_viewers_holds_in_all_workers() -> None:
    async with CompanyStage(3) as company:
        one, two, three = (company[number] for number in (1, 2, 3))
        early = [worker.watch()[0] for worker in (one, two, three)]
        publication = await one.publish(max_viewers=2)
        await until(lambda: three.member.directory.max_viewers("live/a") == 2)
        send(one, publication, video_config(), key(0))
        await until(lambda: all(watcher.sync or watcher.ended for watcher in early))
        assert sorted(watcher.ended is EndReason.FULL for watcher in early) == [False, False, True]
        for worker in (two, company.hire(4)):
            await until(lambda worker=worker: worker.member.directory.homes)
            late, _ = worker.watch()
            await until(lambda late=late: late.ended is EndReason.FULL)


async def test_a_limit_of_viewers_outlives_the_supervisor_and_ends_with_the_home() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        publication = await one.publish(max_viewers=1)
        send(one, publication, video_config(), key(0))
        watcher, _ = two.watch()
        await until(lambda: watcher.sync is not None)
        company.hang_up()
        await company.come_back()
        third = company.hire(3)
        await until(lambda: third.member.directory.max_viewers("live/a") == 1)
        company.kill(1)
        for worker in (two, third):
            directory = worker.member.directory
            await until(lambda directory=directory: not directory.max_viewers("live/a"))


async def test_seats_of_a_dead_worker_are_free() -> None:
    async with CompanyStage(2, max_viewers=1) as company:
        company[1].watch()
        await until(lambda: "live/a" in company.register.streams)
        company.kill(1)
        await until(lambda: "live/a" not in company.register.streams)
        publication = await company[2].publish()
        send(company[2], publication, video_config(), key(0))
        newcomer, _ = company[2].watch()
        await until(lambda: newcomer.sync is not None)


async def test_wrong_keys_are_counted_over_all_workers() -> None:
    async with CompanyStage(3) as company:
        for number in (1, 2, 3, 1, 2):
            worker = company[number]
            worker.failures.note("192.0.2.7", worker.loop.time())
        for number in (1, 2, 3):
            worker = company[number]
            await until(
                lambda worker=worker: worker.failures.is_blocked("192.0.2.7", worker.loop.time())
            )


async def test_a_home_that_is_going_away_gives_its_stream_to_the_same_credential_only() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        old = Publisher()
        publication = await one.publish(old)
        send(one, publication, video_config(), *picture_group(0))
        watcher, _ = one.watch()
        company.register.draining(1)
        assert "published" in (await two.claim(credential="stranger")).refusal
        assert old.ended is None
        again = await two.publish()
        assert old.ended is EndReason.TAKEN_OVER
        send(two, again, video_config(), *picture_group(0))
        await until(lambda: one.log().head_ms > 80, "the new publisher in the old worker")
        assert watcher.ended is None


async def test_questions_reach_all_workers_or_the_home() -> None:
    async with CompanyStage(3) as company:
        for number in (1, 2, 3):
            company[number].member.peers.answer_with(
                "who", lambda number=number, add=0: number + add
            )
        await company[3].publish()
        peers = company[2].member.peers
        answers = await peers.ask_all("who", add=10)
        assert answers[0] == 12
        assert sorted(answers) == [11, 12, 13]
        assert await peers.ask_home("live/a", "who") == 3
        assert await peers.ask_home("live/nobody", "who") is None


async def test_answers_may_take_their_time() -> None:
    async with CompanyStage(2) as company:
        ready = asyncio.Event()

        async def think(number: int) -> int:
            await ready.wait()
            return number

        for number in (1, 2):
            company[number].member.peers.answer_with("think", lambda number=number: think(number))
        await company[2].publish()
        asked = [
            asyncio.create_task(company[1].member.peers.ask_home("live/a", "think")),
            asyncio.create_task(company[1].member.peers.ask_all("think")),
        ]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in asked)
        ready.set()
        assert [await task for task in asked] == [2, [1, 2]]


async def test_large_answers_come_whole() -> None:
    async with CompanyStage(2) as company:
        for number in (1, 2):
            company[number].member.peers.answer_with("much", lambda: "x" * 3_000_000)
        answers = await company[1].member.peers.ask_all("much")
        assert [len(answer) for answer in answers] == [3_000_000] * 2


async def test_a_connection_moves_with_what_it_has_said() -> None:
    async with CompanyStage(2) as company:
        near, far = socket.socketpair()
        link = Link(near, "192.0.2.9", None, company.loop)  # type: ignore[arg-type]
        said = [b"hello", b"", b"publish"]
        company[1].member.mover.move(link, 2, "live/a", "rtmp-1-7", said, b"permit")
        assert link.fd < 0
        await until(lambda: company[2].arrived, "the arrival")
        sock, *arrived = company[2].arrived[0]
        assert arrived == ["192.0.2.9", "rtmp-1-7", said, b"permit"]
        sock.send(b"answer")
        assert far.recv(10) == b"answer"
        sock.close()
        far.close()


async def test_who_has_more_connections_leaves_the_next_to_others() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        one.connections = 100
        one.member.loads.changed()
        two.connections = 40
        two.member.loads.changed()
        await until(one.member.loads.others_have_less)
        await until(lambda: not two.member.loads.others_have_less())


async def test_viewers_go_home_while_they_are_few_here_and_there_is_room() -> None:
    async with CompanyStage(2) as company:
        one, two = company[1], company[2]
        mover = one.member.mover
        assert mover.home_for_viewer("live/a", 2) is None  # nobody publishes it
        await two.publish()
        await until(lambda: one.member.directory.is_elsewhere("live/a"))
        assert mover.home_for_viewer("live/a", 2) == 2
        assert mover.home_for_viewer("live/a", 0) is None
        assert two.member.mover.home_for_viewer("live/a", 2) is None  # it is here
        two.connections = 66
        two.member.loads.changed()
        await until(lambda: mover.home_for_viewer("live/a", 2) is None, "that it is known")
        one.connections = 2
        assert mover.home_for_viewer("live/a", 2) == 2
        one.watch()
        assert mover.home_for_viewer("live/a", 2) == 2
        one.watch()
        assert mover.home_for_viewer("live/a", 2) is None


@pytest.mark.parametrize("form", [RtmpFormat, FlvFormat])
async def test_a_stream_that_nobody_needs_leaves_nothing_behind(form: type) -> None:
    async with CompanyStage(2, grace_s=0, wait_s=0) as company:
        one, two = company[1], company[2]
        publication = await one.publish()
        send(one, publication, video_config(), key(0))
        watcher, subscription = two.watch(form)
        await until(lambda: watcher.sync is not None)
        publication.close(one.loop.time())
        subscription.close()
        for worker in (one, two):
            worker.hub.tick(worker.loop.time() + 60)
        await until(lambda: not company.register.streams, "that all is forgotten")
        assert not one.hub.streams
        assert not two.hub.streams
        assert not one.member.feeds._feeds
