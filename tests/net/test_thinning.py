"""What is left out for a viewer that lags: never what something else that is sent needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.formats import Flag
from slipstream.log import SYNC, Segment
from slipstream.log.segment import open_memory
from slipstream.net.thinning import Run, Thinning

CEILING_MS = 1_000
KEY = SYNC | Flag.VIDEO | Flag.KEYFRAME
INTER = Flag.VIDEO
DISPOSABLE = Flag.VIDEO | Flag.DISPOSABLE
OTHER_TRACK_KEY = Flag.VIDEO | Flag.KEYFRAME
SOUND = Flag.AUDIO
ENTRIES = {
    "K": KEY,
    "p": INTER,
    "b": DISPOSABLE,
    "a": SOUND,
    "c": Flag.VIDEO | Flag.CONFIG,
    "s": SOUND | Flag.CONFIG,
    "d": Flag.DATA,
}


def sent(thinning: Thinning, entries: str) -> str:
    return "".join(name for name in entries if not thinning.leaves_out(ENTRIES[name]))


def at_lag(*lags_ms: int) -> Thinning:
    thinning = Thinning()
    for lag_ms in lags_ms:
        thinning.adapt(lag_ms, CEILING_MS)
    return thinning


def test_a_viewer_that_keeps_up_gets_everything() -> None:
    thinning = at_lag(499)
    assert not thinning.is_active
    assert sent(thinning, "Kapabac") == "Kapabac"


def test_from_half_the_ceiling_on_what_nothing_refers_to_is_left_out() -> None:
    thinning = at_lag(500)
    assert thinning.is_active
    assert sent(thinning, "pbabcpsbdKb") == "pacpsdK"


def test_from_three_quarters_on_pictures_are_left_out_up_to_the_next_keyframe() -> None:
    thinning = at_lag(750)
    assert sent(thinning, "papbcdsaKapba") == "acdsaKapa"


def test_disposable_pictures_come_back_below_a_quarter_only() -> None:
    assert sent(at_lag(500, 250), "b") == ""
    assert sent(at_lag(500, 249), "b") == "b"
    assert sent(at_lag(300), "b") == "b"


def test_who_lost_a_picture_waits_for_a_keyframe_however_well_it_goes() -> None:
    thinning = at_lag(750)
    assert sent(thinning, "p") == ""
    thinning.adapt(0, CEILING_MS)
    assert thinning.is_active
    assert sent(thinning, "pabpaKpb") == "aaKpb"
    thinning.adapt(0, CEILING_MS)
    assert not thinning.is_active


def test_who_lost_disposable_pictures_alone_need_not_wait() -> None:
    thinning = at_lag(750)
    assert sent(thinning, "bab") == "a"
    thinning.adapt(0, CEILING_MS)
    assert not thinning.is_active


def test_a_keyframe_of_another_track_brings_nothing_back() -> None:
    thinning = at_lag(750)
    assert thinning.leaves_out(INTER)
    assert thinning.leaves_out(OTHER_TRACK_KEY)
    assert not thinning.leaves_out(KEY)


def runs(thinning: Thinning, segment: Segment, position: int) -> list[Run]:
    found = []
    while position < segment.end:
        found.append(thinning.next_run(segment, position, segment.end))
        position = found[-1].end
    return found


@pytest.mark.parametrize("offset", [0, 500])
def test_neighbours_that_are_sent_are_one_range(offset: int) -> None:
    """Also in a file that another process had begun before we were told of it."""
    start = 1_000
    segment = Segment(start, 10_000, open_memory(10_000) if offset else -1, offset)
    entries = "apbaKapbbaa"
    sizes = [100] * len(entries)
    segment.note(sizes, [0] * len(entries), bytes(ENTRIES[name] for name in entries))
    assert runs(at_lag(750), segment, start) == [
        Run(start, start + 100, 0),  # a
        Run(start + 300, start + 400, 2),  # a
        Run(start + 400, start + 700, 0),  # Kap
        Run(start + 900, start + 1_100, 2),  # aa
    ]


def test_a_run_of_nothing_ends_where_it_starts() -> None:
    segment = Segment(0, 1_000)
    segment.note([100, 100], [0, 0], bytes((INTER, INTER)))
    assert at_lag(750).next_run(segment, 0, 200) == Run(200, 200, 2)


LAGS_MS = (0, 249, 250, 499, 500, 749, 750, 1_200)


@given(st.lists(st.sampled_from((*ENTRIES, *LAGS_MS)), min_size=1, max_size=80))
def test_whatever_the_lag_does_every_picture_that_is_sent_can_be_decoded(
    happenings: list[str | int],
) -> None:
    """Letters are entries, numbers are lags."""
    thinning = Thinning()
    whole = True  # whether all that a picture may refer to was sent
    for happening in ["K", *happenings]:
        if isinstance(happening, int):
            thinning.adapt(happening, CEILING_MS)
            continue
        foreseen = thinning.sends(ENTRIES[happening])
        left_out = thinning.is_active and thinning.leaves_out(ENTRIES[happening])
        assert not (foreseen and left_out)
        if happening not in "pb":
            assert not left_out
            whole = whole or happening == "K"
        elif left_out:
            whole = whole and happening == "b"
        else:
            assert whole
