"""What the doctor finds, on this machine and on one that is ill."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID

from slipstream.tools import doctor
from slipstream.tools.doctor import Level, Patient, examine


def patient(folder: Path, **more: object) -> Patient:
    usual: dict[str, object] = {"addresses": [], "data_dir": folder, "workers": 1}
    return Patient(**{**usual, **more})  # type: ignore[arg-type]


def findings(ill: Patient, subject: str) -> list[tuple[Level, str]]:
    return [(f.level, f.text + f.advice) for f in examine(ill) if f.subject == subject]


def certificate(path: Path, days: float) -> Path:
    """A certificate that ends in so many days."""
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_machine_that_can_serve_has_nothing_bad(tmp_path: Path) -> None:
    well = patient(tmp_path, addresses=[("RTMP", "127.0.0.1:0")])
    assert [f for f in examine(well) if f.level is Level.BAD] == []
    assert findings(well, "RTMP") == [(Level.GOOD, "127.0.0.1:0 is free")]


def test_an_address_in_use_is_bad_unless_it_is_our_own(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = f"127.0.0.1:{sock.getsockname()[1]}"
        ((level, text),) = findings(patient(tmp_path, addresses=[("HTTP", address)]), "HTTP")
        assert level is Level.BAD
        assert address in text
        own = patient(tmp_path, addresses=[("HTTP", address)], serving=7)
        assert findings(own, "HTTP") == [(Level.GOOD, f"{address} is served by process 7")]


def test_an_address_of_another_machine_is_bad(tmp_path: Path) -> None:
    ((level, _),) = findings(patient(tmp_path, addresses=[("HTTP", "192.0.2.1:80")]), "HTTP")
    assert level is Level.BAD


def test_secrets_that_others_may_read_are_bad(tmp_path: Path) -> None:
    key = tmp_path / "publish.key"
    key.write_text("x")
    key.chmod(0o644)
    ((level, text),) = findings(patient(tmp_path), "secrets")
    assert level is Level.BAD
    assert f"chmod 600 {key}" in text
    key.chmod(0o600)
    assert findings(patient(tmp_path), "secrets") == []


@pytest.mark.parametrize(
    ("days", "level"), [(90, Level.GOOD), (doctor.SOON_DAYS - 1, Level.NOTE), (-1, Level.BAD)]
)
def test_certificates_are_told_of_before_they_end(
    tmp_path: Path, days: float, level: Level
) -> None:
    path = certificate(tmp_path / "cert.pem", days + 0.5)
    ((found, text),) = findings(patient(tmp_path, certificates=[path]), "certificate")
    assert found is level
    assert str(path) in text


def test_what_is_no_certificate_is_bad(tmp_path: Path) -> None:
    for name, content in (("none.pem", None), ("junk.pem", "x")):
        path = tmp_path / name
        if content is not None:
            path.write_text(content)
        ((level, _),) = findings(patient(tmp_path, certificates=[path]), "certificate")
        assert level is Level.BAD


def test_few_descriptors_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.resource, "getrlimit", lambda _: (1024, 1 << 20))
    ((level, text),) = findings(patient(tmp_path, workers=2), "open files")
    assert level is Level.NOTE
    assert "1638 connections" in text
    assert "ulimit -n 65536" in text


def test_the_exit_of_the_command_says_whether_it_would_serve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.run(patient(tmp_path), as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert {"subject", "level", "text", "advice"} == set(rows[0])
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = f"127.0.0.1:{sock.getsockname()[1]}"
        assert not doctor.run(patient(tmp_path, addresses=[("RTMP", address)]))
    assert "bad   RTMP" in capsys.readouterr().out
