"""What /proc tells: checked against processes that do something known."""

import os
import socket
import subprocess
import sys

from bench import machine

BUSY = """
import os, time
if not os.fork():
    while time.process_time() < 0.3: pass
    os._exit(0)
os.wait()
print(flush=True)
time.sleep(5)
"""
HOLDING = (
    "import os,sys\nf=os.memfd_create('x')\nos.write(f,bytes(1<<20))\nb=bytearray(b'x')*(20<<20)\n"
    "print(flush=True)\nsys.stdin.read()"
)

SHARING = (
    "import os,sys\nf=os.memfd_create('x')\nos.write(f,bytes(1<<20))\n"
    "if not os.fork(): sys.stdin.read(); os._exit(0)\nprint(flush=True)\nos.wait()"
)


def test_a_child_that_has_ended_is_still_charged() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert machine.cpu_s(process.pid) >= 0.2
        process.kill()


def test_a_living_child_belongs_to_the_tree() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert process.pid in machine.process_tree(os.getpid())
        process.kill()


def test_memory_and_memory_files_are_seen() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLDING], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert machine.pss_bytes(process.pid) > 20 << 20
        assert machine.memory_file_bytes(process.pid) == 1 << 20


def test_a_memory_file_of_two_processes_counts_once_and_in_each() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", SHARING], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        sizes = [sum(files.values()) for files in machine.memory_files(process.pid)]
        assert sizes == [1 << 20, 1 << 20]
        assert machine.memory_file_bytes(process.pid) == 1 << 20


def test_a_connection_is_seen_until_the_server_closes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            assert machine.established_peers(port) == {client.getsockname()[1]}
            accepted.close()
            assert machine.established_peers(port) == set()
