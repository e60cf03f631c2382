"""What is left out for a viewer that lags: never what something else that is sent needs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slipstream.formats import Flag
from slipstream.log import SYNC
from slipstream.net.thinning import Thinning

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
