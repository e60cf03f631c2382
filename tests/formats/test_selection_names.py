"""Names of some tracks of a stream, and of formats that hold them alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import BadNameError
from slipstream.formats import FORMATS, Format, Selection, format_named, selected, split_selection

BOTH = Selection(1, 1)


@pytest.mark.parametrize(
    ("name", "stream", "selection"),
    [
        ("a", "a", None),
        ("a@v0", "a", Selection(0, None)),
        ("a@a0", "a", Selection(None, 0)),
        ("a@v1a0", "a", Selection(1, 0)),
        ("b/a@v15a15", "b/a", Selection(15, 15)),
        ("a@v01", "a", Selection(1, None)),
    ],
)
def test_a_name_may_say_which_tracks(name: str, stream: str, selection: Selection | None) -> None:
    assert split_selection(name) == (stream, selection)


@pytest.mark.parametrize(
    "tracks",
    [
        "",
        "v",
        "a",
        "0",
        "v16",
        "a16",
        "v1a",
        "va1",
        "a0v1",
        "v1v1",
        "v1@a1",
        "V1",
        "v-1",
        "v1 ",
        "v\u0661",
    ],
)
def test_what_is_no_track_is_refused_with_the_rule(tracks: str) -> None:
    with pytest.raises(BadNameError, match="v0 to v15, a0 to a15, or one of each"):
        split_selection(f"a@{tracks}")


@given(st.text(st.sampled_from("av@019 /x"), max_size=12) | st.text(max_size=20))
def test_any_name_is_split_or_refused(name: str) -> None:
    try:
        stream, selection = split_selection(name)
    except BadNameError:
        return
    assert "@" not in stream
    if selection is not None:
        assert split_selection(f"{stream}@{selection}") == (stream, selection)
    else:
        assert stream == name


@pytest.mark.parametrize("form", FORMATS.values())
def test_formats_of_some_tracks_are_found_by_name(form: type[Format]) -> None:
    chosen = selected(form, BOTH)
    assert chosen.name == f"{form.name}@v1a1"
    assert chosen is selected(form, Selection(1, 1)) is format_named(chosen.name)
    assert chosen is not selected(form, Selection(1, 0))


@pytest.mark.parametrize("name", ["", "x", "flv@", "flv@v16", "x@v0", "@v0", "flv@v0@v0"])
def test_there_is_no_format_of_any_other_name(name: str) -> None:
    assert format_named(name) is None
