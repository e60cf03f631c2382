"""Which certificate is shown to whom, and how new ones take the place of old ones."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from slipstream.errors import SlipstreamError
from slipstream.tls import Certificates, TlsSettings, prepare
from slipstream.tls.self_signed import make_self_signed
from slipstream.tls.settings import CertificateFiles
from tests.tls.stage import make_pair, shown_to

DAY_S = 86_400.0


class Clock:
    """Seconds since 1970, as a test wants them."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        return self.now


def certificates(*files: CertificateFiles, clock: Clock | None = None) -> Certificates:
    settings = TlsSettings(certificates=list(files))
    made = Certificates(lambda: settings, Path(), clock or Clock())
    made.load()
    return made


def shown(made: Certificates, name: str | None = None) -> set[str]:
    assert made.context is not None
    return shown_to(made.context, name)


def test_the_certificate_of_the_name_that_is_asked_for_is_shown(tmp_path: Path) -> None:
    made = certificates(
        make_pair(tmp_path, "one.test"),
        make_pair(tmp_path, "two.test", "*.three.test"),
        make_pair(tmp_path, "four.test", hosts=("five.test",)),
    )
    assert shown(made, "two.test") == {"two.test", "*.three.test"}
    assert shown(made, "TWO.test") == {"two.test", "*.three.test"}
    assert shown(made, "any.three.test") == {"two.test", "*.three.test"}
    assert shown(made, "five.test") == {"four.test"}
    for unknown in ("four.test", "other.test", "a.b.three.test", None):
        assert shown(made, unknown) == {"one.test"}


def test_new_files_are_shown_once_they_have_stopped_changing(tmp_path: Path) -> None:
    made = certificates(make_pair(tmp_path, "old.test", stem="own"))
    make_pair(tmp_path, "new.test", stem="own")
    made.look()
    assert shown(made) == {"old.test"}
    made.look()
    assert shown(made) == {"new.test"}


def test_certificate_and_key_may_be_replaced_one_after_the_other(tmp_path: Path) -> None:
    made = certificates(make_pair(tmp_path, "old.test", stem="own"))
    (tmp_path / "next").mkdir()
    new = make_pair(tmp_path / "next", "new.test", stem="own")
    new.certificate.replace(tmp_path / "own.crt")
    with capture_logs() as logs:
        for _ in range(3):
            made.look()
    assert [line["event"] for line in logs] == ["tls.refused"]
    assert "is not the key of" in logs[0]["reason"]
    assert shown(made) == {"old.test"}
    new.key.replace(tmp_path / "own.key")
    for _ in range(2):
        made.look()
    assert shown(made) == {"new.test"}


@pytest.mark.parametrize("damage", ["missing", "garbage", "empty"])
@pytest.mark.parametrize("which", ["crt", "key"])
def test_files_that_cannot_be_used_are_refused_and_the_old_ones_stay(
    tmp_path: Path, which: str, damage: str
) -> None:
    one, two = make_pair(tmp_path, "one.test"), make_pair(tmp_path, "two.test")
    made = certificates(one, two)
    path = tmp_path / f"two.test.{which}"
    if damage == "missing":
        path.unlink()
    else:
        path.write_text("" if damage == "empty" else "-----BEGIN NONSENSE-----\n")
    make_pair(tmp_path, "one.test", "new.test", stem="one.test")
    with capture_logs() as logs:
        for _ in range(3):
            made.look()
    (line,) = logs
    assert line["event"] == "tls.refused"
    assert line["kept"]
    assert str(path) in line["reason"]
    assert shown(made) == {"one.test"}
    assert shown(made, "two.test") == {"two.test"}


def test_a_server_whose_files_come_later_shows_them_then(tmp_path: Path) -> None:
    files = CertificateFiles(certificate=tmp_path / "a.crt", key=tmp_path / "a.key")
    made = certificates(files)
    assert made.context is None
    make_pair(tmp_path, "late.test", stem="a")
    for _ in range(2):
        made.look()
    assert shown(made) == {"late.test"}


def test_it_is_known_when_the_first_certificate_ends_and_told_two_weeks_before(
    tmp_path: Path,
) -> None:
    clock = Clock()
    files = make_pair(tmp_path, "one.test", days=90), make_pair(tmp_path, "two.test", days=29.5)
    made = certificates(*files, clock=clock)
    assert made.expires_at is not None
    assert abs(made.expires_at - clock.now - 29.5 * DAY_S) < 60
    told = []
    for _ in range(20):
        with capture_logs() as logs:
            for _ in range(3):
                made.look()
        told.append([line["event"] for line in logs])
        clock.now += DAY_S
    assert told == [[]] * 16 + [["tls.expires"]] * 4


def test_auto_makes_a_pair_for_its_owner_s_eyes_only_and_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    prepare(TlsSettings(certificates="auto"), folder)
    files = make_self_signed(folder)
    before = files.certificate.read_bytes(), files.key.read_bytes()
    for path in (files.certificate, files.key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    make_self_signed(folder)
    assert (files.certificate.read_bytes(), files.key.read_bytes()) == before
    made = Certificates(lambda: TlsSettings(certificates="auto"), folder, Clock())
    made.load()
    assert "localhost" in shown(made)


def test_auto_makes_a_new_pair_before_the_old_one_ends(tmp_path: Path) -> None:
    make_pair(tmp_path, "old.test", days=29, stem="self-signed")
    files = make_self_signed(tmp_path)
    made = certificates(files)
    assert "localhost" in shown(made)


def test_a_server_does_not_start_with_files_that_cannot_be_used(tmp_path: Path) -> None:
    good = make_pair(tmp_path, "one.test")
    bad = make_pair(tmp_path, "two.test")
    mixed = CertificateFiles(certificate=good.certificate, key=bad.key)
    prepare(TlsSettings(certificates=[good, bad]), tmp_path)
    with pytest.raises(SlipstreamError, match=r"two\.test\.key is not the key of .*one\.test\.crt"):
        prepare(TlsSettings(certificates=[good, mixed]), tmp_path)
    with pytest.raises(SlipstreamError, match=r"nowhere\.pem cannot be read: No such file"):
        prepare(
            TlsSettings(
                certificates=[CertificateFiles(certificate=tmp_path / "nowhere.pem", key=good.key)]
            ),
            tmp_path,
        )


def test_another_list_of_certificates_is_shown_when_the_settings_have_changed(
    tmp_path: Path,
) -> None:
    settings = TlsSettings(certificates=[make_pair(tmp_path, "one.test")])
    made = Certificates(lambda: settings, tmp_path, Clock())
    made.load()
    settings = TlsSettings(certificates=[make_pair(tmp_path, "two.test")])
    for _ in range(2):
        made.look()
    assert shown(made) == {"two.test"}
    settings = TlsSettings()
    for _ in range(2):
        made.look()
    assert made.context is None
