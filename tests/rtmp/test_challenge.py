"""Adobe's and Limelight's authentication as a client: what FFmpeg answered, we answer."""

from __future__ import annotations

import pytest

from slipstream.rtmp.challenge import answer_challenge

REJECT = "[ AccessManager.Reject ] : [ "
ASKED = "authmod=adobe ] : ?reason=needauth&user=ann&salt=SALT&challenge=CHALLENGE"


def test_a_server_that_wants_a_user_is_told_one() -> None:
    description = f"{REJECT}code=403 need auth; authmod=adobe ] : "
    assert (
        answer_challenge(description, "ann", "pass", "01234567", "live") == "authmod=adobe&user=ann"
    )


def test_a_challenge_is_answered_as_ffmpeg_5_does() -> None:
    answer = answer_challenge(f"{REJECT}{ASKED}&opaque=OPAQUE", "ann", "pass", "f9dffde7", "live")
    assert answer == (
        "authmod=adobe&user=ann&challenge=f9dffde7&response=f4zbTQIrNx2ERkFyXzpE6w==&opaque=OPAQUE"
    )


def test_without_anything_opaque_the_challenge_itself_is_mixed_in() -> None:
    with_opaque = answer_challenge(
        f"{REJECT}{ASKED}&opaque=CHALLENGE", "ann", "pass", "f9dffde7", "live"
    )
    without = answer_challenge(f"{REJECT}{ASKED}", "ann", "pass", "f9dffde7", "live")
    assert without == with_opaque.removesuffix("CHALLENGE")


@pytest.mark.parametrize(
    ("description", "user"),
    [
        ("no such application", "ann"),
        ("", "ann"),
        (f"{REJECT}authmod=adobe ] : ?reason=authfailed&opaque=OPAQUE", "ann"),
        (f"{REJECT}authmod=llnw ] : ?reason=authfailed&opaque=1", "ann"),
        (f"{REJECT}authmod=other ] : ?reason=needauth&nonce=1", "ann"),
        (f"{REJECT}code=403 need auth; authmod=adobe ] : ", ""),
    ],
)
def test_nothing_is_answered_to_anything_else(description: str, user: str) -> None:
    assert answer_challenge(description, user, "pass", "01234567", "live") == ""
