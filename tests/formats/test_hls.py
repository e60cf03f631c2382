"""HLS playlists keep the rules of RFC 8216, second edition; its sections are named.

They are looked at all along the life of a stream in which much happens, as a player would who
reloads them all the time. `docs/reference/hls.md` has the list of rules, with these names.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import m3u8
import pytest

from tests.formats import test_hls_variants
from tests.formats.hls_reader import read_playlist, with_update
from tests.formats.hls_stage import life, reloads, told


def test_much_happens_in_this_life() -> None:
    """Or else the tests below would say little."""
    assert len(life()) > 500
    assert {len(look.reach) for look in life()} == {1, 2}
    assert {"v0", "a0"} == {next(iter(look.reach)) for look in life() if len(look.reach) == 1}
    assert max(segment.discontinuities for one in told() for segment in one.segments) >= 8
    assert any(segment.gap for one in told() for segment in one.segments)


def test_every_playlist_is_read_by_another_parser_alike() -> None:
    for look in life()[::11]:
        for name, text in look.texts.items():
            other, own = m3u8.loads(text), look.tracks[name]
            assert other.version == 9
            assert other.target_duration == own.target
            assert other.media_sequence == own.first
            assert other.discontinuity_sequence == own.discontinuities
            whole = [segment for segment in other.segments if segment.uri]
            assert [s.uri for s in whole] == [s.uri for s in own.segments]
            assert [s.duration for s in whole] == [s.duration for s in own.segments]
            assert [s.discontinuity for s in whole] == [s.changed for s in own.segments]
            assert [s.init_section.uri if s.init_section else "" for s in whole] == [
                s.map for s in own.segments
            ]
            assert [[p.uri for p in s.parts] for s in whole] == [
                [p.uri for p in s.parts] for s in own.segments
            ]
            assert other.part_inf.part_target == own.part_target
            assert other.preload_hint.uri == own.hint
            assert {
                r.uri: (r.last_msn, r.last_part) for r in other.rendition_reports
            } == own.reports
            update = m3u8.loads(look.updates[name])
            kept = len(update.segments) + (update.skip.skipped_segments if update.skip else 0)
            assert kept == len(other.segments)


def test_no_segment_is_longer_than_the_target() -> None:
    """§4.4.3.1: rounded to the nearest integer."""
    for playlist in told():
        assert all(int(s.duration + 0.5) <= playlist.target for s in playlist.segments)


def test_the_target_is_that_of_all_tracks_and_never_shrinks() -> None:
    """§6.2.4, §6.2.1."""
    targets = [{one.target for one in look.tracks.values()} for look in life()]
    assert all(len(one) == 1 for one in targets)
    assert all(min(a) <= min(b) for a, b in pairwise(targets))


def test_no_part_is_longer_than_its_target() -> None:
    """§4.4.4.9."""
    for playlist in told():
        for segment in playlist.all:
            assert all(part.duration <= playlist.part_target + 1e-9 for part in segment.parts)


def test_parts_are_nearly_as_long_as_the_target_but_for_the_last_of_a_segment() -> None:
    """§4.4.4.9: 85 %; while frames come in time, which they do in the first publication."""
    for look in life():
        for playlist in look.tracks.values() if look.publication == 0 else ():
            for segment in playlist.segments:
                shortest = min((part.duration for part in segment.parts[:-1]), default=1.0)
                assert shortest >= 0.85 * playlist.part_target


def test_players_are_told_to_stay_three_parts_behind_all_of_them_alike() -> None:
    """§4.4.3.8; §6.2.4: what the server can do is said alike in all playlists."""
    for look in life():
        assert len({tuple(one.control.items()) for one in look.tracks.values()}) == 1
        for playlist in look.tracks.values():
            assert float(playlist.control["PART-HOLD-BACK"]) >= 3 * playlist.part_target - 1e-9
            assert playlist.control["CAN-BLOCK-RELOAD"] == "YES"


def test_what_can_be_skipped_is_six_targets_from_the_end() -> None:
    """§4.4.3.8."""
    assert all(float(one.control["CAN-SKIP-UNTIL"]) >= 6 * one.target for one in told())


def test_the_media_sequence_grows_by_what_is_removed_from_the_beginning() -> None:
    """§6.2.2: and never decreases; what stays, stays as it was."""
    for before, after in reloads():
        assert after.first >= before.first
        old = {segment.number: segment for segment in before.segments}
        new = {segment.number: segment for segment in after.segments}
        assert all(number in new for number in old if number >= after.first)
        for number in old.keys() & new.keys():
            assert (old[number].uri, old[number].duration) == (
                new[number].uri,
                new[number].duration,
            )
            assert (old[number].date, old[number].gap) == (new[number].date, new[number].gap)


def test_parts_are_only_added_at_the_end() -> None:
    """§6.2.1: the same parts in the same order, until they are told no more."""
    for before, after in reloads():
        new = {segment.number: segment for segment in after.all}
        for segment in before.all:
            if segment.number in new and new[segment.number].parts:
                assert new[segment.number].parts[: len(segment.parts)] == segment.parts
            elif segment.number in new and segment.parts:
                assert new[segment.number].uri


def test_numbers_of_discontinuities_stay_and_never_decrease() -> None:
    """§6.2.2, §4.4.3.3."""
    for before, after in reloads():
        assert after.discontinuities >= before.discontinuities
        old = {segment.number: segment.discontinuities for segment in before.all}
        for segment in after.all:
            assert old.get(segment.number, segment.discontinuities) == segment.discontinuities


def test_all_tracks_have_the_same_numbers_discontinuities_and_dates() -> None:
    """§6.2.4: a segment of one is the same time as that of another."""
    for look in life():
        by_number: dict[int, list[tuple[int, float]]] = {}
        for playlist in look.tracks.values():
            for s in playlist.segments:
                if s.date is not None and not s.gap:
                    seen = by_number.setdefault(s.number, [])
                    seen.append((s.discontinuities, s.date.timestamp()))
        for seen in by_number.values():
            assert len({number for number, _ in seen}) == 1
            dates = [date for _, date in seen]
            assert max(dates) - min(dates) <= 0.05


def test_a_change_of_the_tracks_or_of_the_publication_is_a_discontinuity() -> None:
    """§6.2.1, §4.4.4.3; with a date, where there is one (§6.2.1)."""
    for playlist in told():
        for before, after in pairwise(playlist.all):
            if before.map != after.map:
                assert after.changed
            if after.changed and after.parts:
                assert after.date is not None


def test_every_segment_has_a_description() -> None:
    """§4.4.4.5."""
    for look in life():
        for playlist in look.tracks.values():
            for segment in playlist.all:
                assert segment.map in look.names or not segment.parts
    assert len({segment.map for playlist in told() for segment in playlist.all}) >= 4


def test_a_description_is_told_where_it_changes_only() -> None:
    """Or where a track is back."""
    for look in life()[::31]:
        for text in look.texts.values():
            assert text.count("#EXT-X-MAP") <= 1 + text.count("#EXT-X-DISCONTINUITY\n")


def test_dates_follow_each_other_like_the_segments() -> None:
    """§4.4.4.6, §6.2.1: the mapping is never ambiguous, and exact while frames come in time."""
    for look in life():
        for playlist in look.tracks.values():
            for before, after in pairwise(playlist.segments):
                if before.date is not None and after.date is not None:
                    late_s = (after.date - before.date).total_seconds() - before.duration
                    assert late_s > (-1 if after.changed else -0.05)
                    assert look.publication or abs(late_s) < 0.05


def test_what_is_told_can_be_fetched() -> None:
    """§6.2.1: all that is not a gap."""
    for look in life():
        for playlist in look.tracks.values():
            for segment in playlist.all:
                assert {part.uri for part in segment.parts} <= look.names
                assert segment.gap or not segment.uri or segment.uri in look.names


def test_what_has_been_removed_can_be_fetched_as_long_as_a_playlist_is() -> None:
    """§6.2.2: a segment's availability; and parts for three targets more."""
    gone_at: dict[str, float] = {}
    longest = max(playlist.duration for playlist in told())
    clock = 0.0
    before: set[str] = set()
    for look in life():
        newest = look.tracks.get("v0") or look.tracks["a0"]
        if newest.all and newest.all[-1].date is not None:
            clock = newest.all[-1].date.timestamp() + newest.all[-1].length
        now = {
            uri
            for playlist in look.tracks.values()
            for segment in playlist.all
            for uri in [segment.uri, *(part.uri for part in segment.parts)]
            if uri and not segment.gap
        }
        for uri in before - now:
            gone_at.setdefault(uri, clock)
        before = now
        for uri, at in gone_at.items():
            if clock - at < longest:
                assert uri in look.names, uri


def test_a_playlist_is_never_shorter_than_three_targets_for_lack_of_what_was_removed() -> None:
    """§6.2.2."""
    for before, after in reloads():
        if after.first > before.first and before.duration >= 3 * after.target:
            assert after.duration >= 3 * after.target


def test_parts_are_told_for_the_last_three_targets_only() -> None:
    """§6.2.2: of segments that end there."""
    for playlist in told():
        age = 0.0
        for segment in reversed(playlist.all):
            if not segment.gap and segment.uri:
                assert bool(segment.parts) == (age <= 3 * playlist.target)
            age += segment.length


def test_the_parts_of_a_segment_are_all_of_it() -> None:
    for playlist in told():
        for segment in playlist.segments:
            if segment.parts:
                total = sum(part.duration for part in segment.parts)
                assert segment.duration == pytest.approx(total, abs=0.001)


def test_parts_that_begin_with_a_keyframe_say_so() -> None:
    """§4.4.4.9: INDEPENDENT; each segment begins so (EXT-X-INDEPENDENT-SEGMENTS)."""
    for look in life():
        for name, playlist in look.tracks.items():
            assert playlist.independent
            for segment in playlist.all:
                assert all(part.independent for part in segment.parts[:1])
                assert name == "v0" or all(part.independent for part in segment.parts)
    rests = [p.independent for look in life() for s in look.tracks["v0"].all for p in s.parts[1:]]
    assert not all(rests)


def test_the_hint_names_the_part_that_comes_next() -> None:
    """§4.4.5.3; if the segment ends before, the next one's first is what comes."""
    kept = 0
    for before, after in reloads():
        known = {part.uri for segment in before.all for part in segment.parts}
        new = [p.uri for s in after.all for p in s.parts if p.uri not in known]
        added = [uri for uri in new if _place(uri) > max(map(_place, known), default=(0, 0))]
        assert before.hint not in known
        if added and added[0] != before.hint:
            number, index = _place(before.hint)
            assert index > 0
            assert _place(added[0])[0] > number
        kept += bool(added) and added[0] == before.hint
    assert kept > 500


def _place(uri: str) -> tuple[int, int]:
    _, number, index, _ = uri.split(".")
    return int(number), int(index)


def test_how_far_the_other_tracks_are_is_told_and_true() -> None:
    """§4.4.5.4, appendix B.1: of every other playlist in the multivariant playlist."""
    for look in life():
        for name in look.reach:
            reports = look.tracks[name].reports
            assert set(reports) == {f"a@{other}.m3u8" for other in look.reach - {name}}
            for uri, (number, index) in reports.items():
                other = look.tracks[uri[2:4]]
                last = [s for s in other.all if s.parts][-1]
                assert (number, index) == (last.number, len(last.parts) - 1)


def test_an_update_and_what_was_known_make_the_whole_playlist() -> None:
    """§6.2.5.1, §4.4.5.2."""
    skipped = 0
    for before, after in pairwise(life()):
        for name in before.tracks.keys() & after.tracks.keys():
            update = read_playlist(after.updates[name])
            if update.first < before.tracks[name].first:
                continue
            skipped += update.skipped
            told_all = with_update(before.tracks[name], update)
            whole = after.tracks[name]
            assert [s.uri for s in told_all.segments] == [s.uri for s in whole.segments]
            assert told_all.under_way == whole.under_way
            assert (told_all.hint, told_all.reports) == (whole.hint, whole.reports)
            for one, other in zip(told_all.segments, whole.segments, strict=True):
                assert (one.discontinuities, one.map) == (other.discontinuities, other.map)
    assert skipped > 100


def test_an_update_skips_what_is_further_from_the_end_than_the_boundary() -> None:
    for look in life():
        for name, text in look.updates.items():
            update, whole = read_playlist(text), look.tracks[name]
            boundary = float(whole.control["CAN-SKIP-UNTIL"])
            age = 0.0
            for segment in reversed(whole.all):
                is_skipped = segment.number < update.first + update.skipped
                assert is_skipped == (age > boundary)
                age += segment.length


def test_where_a_track_is_away_there_are_gaps() -> None:
    """§6.2.1, §4.4.4.7: as long as the other tracks."""
    gaps = [(p, s) for p in told() for s in p.segments if s.gap]
    assert gaps
    for playlist, segment in gaps:
        assert 0 < segment.duration < playlist.target + 0.5
        assert not segment.parts


def test_a_playlist_never_ends_and_says_its_version() -> None:
    """§6.2.2, §8: of a live stream; EXT-X-SKIP needs version 9."""
    for look in life()[::17]:
        for text in look.texts.values():
            assert "#EXT-X-ENDLIST" not in text
            assert "#EXT-X-PLAYLIST-TYPE" not in text
            assert "#EXT-X-VERSION:9\n" in text


def test_the_page_lists_the_rules_with_their_tests() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "hls.md").read_text()
    listed = re.findall(r"^\|.*\| `(test_\w+)` \|$", page, re.M)
    assert len(set(listed)) == len(listed) > 25
    assert set(listed) <= {
        name for name in (*globals(), *vars(test_hls_variants)) if "test" in name
    }
