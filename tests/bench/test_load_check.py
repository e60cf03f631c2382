"""What the watching viewers call damage."""

from bench.load.check import Jump, SequenceCheck


def check(*numbers: int, keyframes: frozenset[int] = frozenset({3})) -> SequenceCheck:
    sequence = SequenceCheck()
    for number in numbers:
        sequence.see(number, number in keyframes)
    return sequence


def test_a_whole_stream_is_counted_from_its_first_keyframe() -> None:
    sequence = check(1, 2, 3, 4, 5)
    assert (sequence.received, sequence.missing, sequence.doubled) == (3, 0, 0)


def test_a_gap_is_noticed() -> None:
    sequence = check(3, 4, 7)
    assert (sequence.missing, sequence.doubled) == (2, 0)
    assert sequence.jumps == [Jump(expected=5, number=7, to_keyframe=False)]


def test_a_double_is_noticed() -> None:
    sequence = check(3, 4, 4, 5)
    assert (sequence.missing, sequence.doubled) == (0, 1)


def test_two_messages_that_change_places_are_noticed() -> None:
    sequence = check(3, 5, 4, 6)
    assert (sequence.missing, sequence.doubled) == (1, 1)


def test_a_jump_to_a_keyframe_is_told_from_one_elsewhere() -> None:
    sequence = check(3, 4, 9, 12, keyframes=frozenset({3, 9}))
    assert [jump.to_keyframe for jump in sequence.jumps] == [True, False]
    assert (sequence.missing, sequence.skipped) == (6, 4)


def test_sound_that_goes_on_without_pictures_ends_no_leap() -> None:
    sequence = SequenceCheck()
    for number, sound in ((3, False), (4, True), (6, True), (8, True), (9, False)):
        sequence.see(number, number in (3, 9), sound)
    assert sequence.jumps == [Jump(expected=5, number=9, to_keyframe=True)]
    assert (sequence.missing, sequence.skipped) == (2, 2)
