from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from slipstream.workers.rendezvous import Office, Rendezvous
from tests.server import PATIENCE_S, wait_until


@pytest.fixture
def place() -> Iterator[Rendezvous]:
    place = Rendezvous.open()
    yield place
    place.close()


@contextmanager
def other_process(act: Callable[[], object]) -> Iterator[int]:
    """Another process that has done something, until the end of the block."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if not pid:
        try:
            ours.close()
            theirs.send(b"1" if act() else b"0")
            theirs.recv(1)
        finally:
            os._exit(0)
    theirs.close()
    try:
        yield int(ours.recv(1))
    finally:
        ours.close()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_whoever_connects_is_accepted_with_its_process(place: Rendezvous) -> None:
    with place.connect() as mine:
        accepted = place.accept()
        assert accepted is not None
        sock, pid = accepted
        assert pid == os.getpid()
        sock.send(b"welcome")
        assert mine.recv(99) == b"welcome"
        sock.close()


def test_nobody_is_waited_for(place: Rendezvous) -> None:
    assert place.accept() is None


def test_who_comes_while_there_is_no_supervisor_waits_for_the_next_one(place: Rendezvous) -> None:
    with place.connect() as mine:
        mine.send(b"hello")
        successor = Rendezvous.inherit(*map(os.dup, place.descriptors))
        accepted = successor.accept()
        assert accepted is not None
        assert accepted[0].recv(99) == b"hello"
        accepted[0].close()
        successor.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_other_users_are_turned_away(place: Rendezvous) -> None:
    def come_as_nobody() -> bool:
        os.setuid(65534)
        return bool(place.connect())

    with other_process(come_as_nobody) as connected:
        assert connected
        assert place.accept() is None


def test_names_cannot_be_guessed() -> None:
    names = set()
    for _ in range(10):
        place = Rendezvous.open()
        names.add(place._sock.getsockname())
        place.close()
    assert len(names) == 10


def test_an_office_is_one_process_s_until_it_leaves_it(place: Rendezvous) -> None:
    assert place.take(Office.SUPERVISOR)
    assert place.take(Office.SUPERVISOR), "it is ours already"
    with other_process(lambda: place.take(Office.SUPERVISOR)) as taken:
        assert not taken
    with other_process(lambda: place.is_taken(Office.SUPERVISOR)) as seen:
        assert seen
    place.leave(Office.SUPERVISOR)
    with other_process(lambda: place.take(Office.SUPERVISOR)) as taken:
        assert taken
        assert place.is_taken(Office.SUPERVISOR)
        assert not place.take(Office.SUPERVISOR)
        assert place.take(Office.ELECTOR), "that is another one"


def test_death_gives_an_office_back(place: Rendezvous) -> None:
    with other_process(lambda: place.take(Office.SUPERVISOR)):
        assert place.is_taken(Office.SUPERVISOR)
    assert not place.is_taken(Office.SUPERVISOR)
    assert place.take(Office.SUPERVISOR)


def test_a_process_that_becomes_another_program_keeps_its_office(place: Rendezvous) -> None:
    program = (
        "import os, sys; from slipstream.workers.rendezvous import *\n"
        "place = Rendezvous.inherit(*map(int, sys.argv[1:3])); place.take(Office.SUPERVISOR)\n"
        "[os.set_inheritable(fd, True) for fd in place.descriptors]\n"
        "os.execv(sys.executable, [sys.executable, '-c', 'print(1, flush=True); input()'])"
    )
    fds = place.descriptors
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, fds)],
        pass_fds=fds,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        assert place.is_taken(Office.SUPERVISOR)
        process.kill()
    wait_until(lambda: not place.is_taken(Office.SUPERVISOR), "its end", PATIENCE_S)
