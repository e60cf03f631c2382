from __future__ import annotations

import sys

import pytest

from slipstream.supervisor import replacement as module
from slipstream.supervisor.replacement import TRIAL, Trial
from slipstream.workers.inheritance import VARIABLE, Inheritance
from tests.server import wait_until

LEFT = Inheritance(
    arguments=["--workers=2"],
    config="{}",
    rtmp={},
    http={},
    rendezvous=(0, 0),
    ledger=(0, 0),
    generation=2,
    next_number=3,
    workers={},
)


def outcome(monkeypatch: pytest.MonkeyPatch, program: str) -> str:
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", program))
    trial = Trial(LEFT)
    wait_until(trial.is_over, "the trial's end")
    return trial.close()


def test_a_trial_knows_what_it_would_inherit_and_that_it_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = f"""
import os, sys
from slipstream.workers.inheritance import Inheritance
assert os.environ[{TRIAL!r}] and os.environ[{VARIABLE!r}]
left = Inheritance.take()
assert left.generation == 2 and left.arguments == sys.argv[1:] == ["--workers=2"]
"""
    assert outcome(monkeypatch, program) == ""


def test_what_a_trial_says_is_why_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; sys.exit('slipstream: x.toml:3: streams.grace: unknown key')"
    assert outcome(monkeypatch, program) == "slipstream: x.toml:3: streams.grace: unknown key"


def test_a_trial_may_fail_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(monkeypatch, "raise SystemExit(7)") == "exit code 7"


def test_warnings_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(monkeypatch, "import sys; sys.stderr.write('old settings\\n')") == ""


def test_a_trial_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRIAL_S", 0.0)
    assert outcome(monkeypatch, "import time; time.sleep(600)") == "it took more than 0 s"


def test_a_trial_that_is_not_wanted_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", "import time; time.sleep(600)"))
    trial = Trial(LEFT)
    assert not trial.is_over()
    assert trial.close() != ""
