"""What was built: as it must be to be served, and refused if it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.errors import SlipstreamError
from slipstream.page.files import BASE, BODY, BUILT, TYPES, Files


def test_every_asset_has_a_type_and_a_hash_in_its_name() -> None:
    for name in Files().assets:
        stem, dot, _ = name.rpartition(".")
        assert dot
        assert Path(name).suffix in TYPES
        assert len(stem.partition("-")[2]) >= 8  # of letters, digits, "_" and "-"


def test_the_packages_in_it_have_their_licences_with_it() -> None:
    licences = (BUILT / "licences.txt").read_text()
    for package in ("hls.js", "mpegts.js", "dashjs"):
        assert package in licences
    assert "Apache License" in licences
    assert "Redistribution and use" in licences  # BSD


def test_our_own_part_of_it_is_small() -> None:
    from gzip import compress

    own = [file for file in (BUILT / "assets").iterdir() if file.name.startswith("index-")]
    assert len(own) == 2  # script and style
    assert sum(len(compress(file.read_bytes())) for file in own) < 30 << 10


@pytest.mark.parametrize("html", [f"{BASE}{BASE}{BODY}", BASE, f'{BASE}<body class="a">'])
def test_a_document_without_what_is_changed_in_it_is_refused(tmp_path: Path, html: str) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(f"<!doctype html>{html}")
    with pytest.raises(SlipstreamError, match="not built as it should be"):
        Files(tmp_path).document("./")
