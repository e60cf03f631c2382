"""Which streams are relayed in a worker, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from slipstream.access import Gate
from slipstream.access.settings import AccessSettings
from slipstream.formats import RtmpFormat
from slipstream.hub import EndReason, Hub, Rank, StreamSettings
from slipstream.net.admissions import Admissions
from slipstream.net.intake import Intake
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.services import Services
from slipstream.net.settings import NetSettings
from slipstream.relays import PullSettings, PushSettings, Relays, RelaySettings, RelayStore
from tests.hub.stage import Publisher, Watcher, inter, key, video_config
from tests.relays.target import Target

LOCAL = ["127.0.0.1"]


class Stage:
    """The parts of a worker that relays need."""

    def __init__(self, folder: Path, **stream_settings: object) -> None:
        self.loop = asyncio.get_running_loop()
        self.pump = Pump(self.loop, Pace(0))
        settings = StreamSettings.model_validate(stream_settings)
        self.hub = Hub(lambda _: settings, self.pump.wake)
        self._services = Services(
            loop=self.loop,
            hub=self.hub,
            pump=self.pump,
            intake=Intake(self.loop),
            gate=Gate(lambda _: AccessSettings(), "k" * 32),
            admissions=Admissions(),
            settings=NetSettings(),
        )
        self._store = RelayStore(folder)

    @asynccontextmanager
    async def relaying(
        self,
        settings: RelaySettings,
        is_open: Callable[[], bool] = lambda: True,
        slot: int = 0,
        workers: int = 1,
    ) -> AsyncIterator[Relays]:
        relays = Relays(
            self._services, lambda: settings, self._store, is_open, slot=slot, workers=workers
        )
        relays.start()
        try:
            yield relays
        finally:
            self.hub.end(EndReason.SHUTDOWN, self.loop.time())
            await relays.stop()
            self.pump.stop()


async def look(relays: Relays) -> None:
    relays.look_soon()
    await asyncio.sleep(0.01)


async def test_a_push_sends_the_slate_as_long_as_somebody_else_watches_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, grace_s=0)
    with Target() as target:
        push = PushSettings(stream="live/a", url=target.url("out/a"))
        async with stage.relaying(RelaySettings(push=[push], allowed_hosts=LOCAL)) as relays:
            now = stage.loop.time()
            encoder = stage.hub.publish("live/a", Publisher(), credential="k", now=now)
            encoder.receive([video_config(), key(0), inter(40)], now)
            await asyncio.to_thread(target.wait_for, 3)
            viewer = stage.hub.subscribe("live/a", RtmpFormat, Watcher(), now=now)
            encoder.close(stage.loop.time())
            slate = stage.hub.publish(
                "live/a", Publisher(), credential="slate", now=now, rank=Rank.SLATE
            )
            slate.receive([video_config(0, b"SLATE"), key(0, b"SLATE")], now)
            await look(relays)
            sent = await asyncio.to_thread(target.wait_for, 5)
            assert sent[-1].payload.endswith(b"SLATE")
            assert relays.running
            viewer.close()
            await look(relays)
            await asyncio.to_thread(target.wait_until_left)
            assert not relays.running


async def test_a_pull_runs_in_one_worker_of_several(tmp_path: Path) -> None:
    pulls = [PullSettings(stream=f"live/{n}", url="rtmp://127.0.0.1/live/a") for n in range(8)]
    settings = RelaySettings(pull=pulls)  # which may not reach that address
    found = []
    for slot in range(3):
        async with Stage(tmp_path).relaying(settings, slot=slot, workers=3) as relays:
            found += [stream for _, stream in relays.running]
    assert sorted(found) == sorted(pull.stream for pull in pulls)


async def test_a_worker_that_is_going_away_pulls_nothing(tmp_path: Path) -> None:
    is_open = True
    pull = PullSettings(stream="live/a", url="rtmp://127.0.0.1/live/a")
    settings = RelaySettings(pull=[pull])
    async with Stage(tmp_path).relaying(settings, lambda: is_open) as relays:
        assert relays.running
        is_open = False
        await look(relays)
        assert not relays.running


async def test_an_address_that_may_not_be_reached_is_an_error_of_that_relay(tmp_path: Path) -> None:
    with Target() as target:
        pull = PullSettings(stream="live/a", url=target.url("live/a"))
        async with Stage(tmp_path).relaying(RelaySettings(pull=[pull])) as relays:
            (relay,) = relays.running.values()
            async with asyncio.timeout(5):
                while not relay.error:
                    await asyncio.sleep(0.01)
            assert "not in relays.allowed_hosts" in relay.error
        assert target.connections == 0


async def test_what_relays_count_can_be_told_to_other_workers(tmp_path: Path) -> None:
    pull = PullSettings(stream="live/a", url="rtmp://127.0.0.1/live/a")
    async with Stage(tmp_path).relaying(RelaySettings(pull=[pull])) as relays:
        counts = {name: dict(read()) for name, read in relays.counts.items()}
        told = orjson.loads(orjson.dumps(counts))
        assert sum(told["relays"].values()) == 1
        assert told["relay_bytes"] == {"push": 0, "pull": 0}
