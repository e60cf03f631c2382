"""The inputs that fuzzing has kept, given to the same targets again: see `fuzz/`."""

from __future__ import annotations

import pytest

from fuzz.targets import NAMES, corpus, load

TOO_MANY, TOO_LARGE = 160, 320_000  # files, bytes


@pytest.mark.parametrize("name", NAMES)
def test_kept_inputs_keep_the_contract(name: str) -> None:
    run = load(name).run
    kept = corpus(name)
    assert kept
    for path in kept:
        try:
            run(path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{path}: {error!r}") from error


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_little(name: str) -> None:
    sizes = [path.stat().st_size for path in corpus(name)]
    assert len(sizes) <= TOO_MANY
    assert sum(sizes) <= TOO_LARGE
    assert max(sizes) <= load(name).MAX_BYTES


def test_targets_let_through_what_is_no_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> list[object]:
        raise KeyError("a bug")

    target = load("amf0")
    monkeypatch.setattr(target, "parse_amf0", broken)
    with pytest.raises(KeyError):
        target.run(b"\x05")


def test_targets_notice_what_depends_on_where_bytes_are_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Forgetful(load("chunks").PlainDecoder):  # type: ignore[attr-defined, misc]
        def receive_data(self, data: bytes) -> list[object]:
            self._tail = b""
            return super().receive_data(data)  # type: ignore[no-any-return]

    target = load("chunks")
    message = b"\x03" + bytes(3) + b"\0\0\x05\x09" + bytes(4) + b"hello"
    cut = message + bytes((0, 3, 0, 0, 0))
    target.run(cut)
    monkeypatch.setattr(target, "ChunkDecoder", Forgetful)
    with pytest.raises(AssertionError):
        target.run(cut)
