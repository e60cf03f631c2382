"""The verification that the guide shows accepts what is posted, and nothing else."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from slipstream.hooks.signature import signed_headers

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "hooks.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

Verify = Callable[[dict[str, str], bytes, str], bool]


@pytest.fixture(scope="module")
def verify() -> Verify:
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
    names: dict[str, Verify] = {}
    exec(blocks[0], names)
    return names["is_genuine"]


def test_it_is_the_signature_of_the_standards_own_example() -> None:
    # github.com/standard-webhooks/standard-webhooks, libraries' tests
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330, SECRET
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_we_post_is_genuine(verify: Verify) -> None:
    headers = signed_headers("m1", b"body", int(time.time()), SECRET)
    assert verify(headers, b"body", SECRET)


def test_what_somebody_else_posts_is_not(verify: Verify) -> None:
    now = int(time.time())
    headers = signed_headers("m1", b"body", now, SECRET)
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    assert not verify(headers, b"Body", SECRET)
    assert not verify(headers, b"body", other)
    assert not verify({**headers, "webhook-id": "m2"}, b"body", SECRET)
    assert not verify({**headers, "webhook-timestamp": str(now + 1)}, b"body", SECRET)


def test_what_is_repeated_later_is_not(verify: Verify) -> None:
    headers = signed_headers("m1", b"body", int(time.time()) - 600, SECRET)
    assert not verify(headers, b"body", SECRET)


def test_without_a_secret_nothing_is_signed() -> None:
    assert signed_headers("m1", b"body", 7, "") == {"webhook-id": "m1", "webhook-timestamp": "7"}
