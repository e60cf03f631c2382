import pytest

from slipstream.hooks.command import check_command, fill_in

VALUES = {
    "event": "publish",
    "stream": "live/a",
    "app": "live",
    "name": "a",
    "address": "192.0.2.1",
    "id": "rtmp-1",
}


def test_placeholders_are_filled_in_and_nothing_else_happens() -> None:
    words = ["/bin/x", "{stream}", "--name={name}", "{{}}", "$(id); {address}"]
    check_command(words)
    filled = ["/bin/x", "live/a", "--name=a", "{}", "$(id); 192.0.2.1"]
    assert fill_in(words, VALUES) == filled


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "program's path"),
        (["ffmpeg"], "whole path"),
        (["/bin/{name}"], "no placeholders"),
        (["/bin/x", "{key}"], "unknown placeholder {key}"),
        (["/bin/x", "{}"], "unknown placeholder {}"),
        (["/bin/x", "{name"], "a brace"),
        (["/bin/x", "}"], "a brace"),
        (["/bin/x", "{name!r}"], "only be names"),
        (["/bin/x", "{name:>9}"], "only be names"),
        (["/bin/x", "{stream.__class__}"], "unknown placeholder"),
        (["/bin/x", "a\0b"], "zero"),
        (["/bin/x"] * 65, "the limit is 64"),
    ],
)
def test_what_cannot_be_run_is_refused(words: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("{", r"\{").replace("}", r"\}")):
        check_command(words)


def test_a_name_makes_no_option() -> None:
    with pytest.raises(ValueError, match="option"):
        fill_in(["/bin/rm", "{name}"], {**VALUES, "name": "-rf"})
    assert fill_in(["/bin/rm", "-{name}"], {**VALUES, "name": "-rf"}) == ["/bin/rm", "--rf"]
