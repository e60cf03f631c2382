"""The load's AMF0: foreign bytes first, then there and back."""

import pytest

from bench.load import amf


def test_reads_a_command_as_servers_write_it() -> None:
    answer = bytes.fromhex("0200075f726573756c7400401000000000000005003ff0000000000000")
    assert amf.parse(answer) == ["_result", 4.0, None, 1.0]  # createStream gave stream 1


def test_reads_an_ecma_array_whatever_its_count_says() -> None:
    array = bytes.fromhex("080000000700057769647468004094000000000000000009")
    assert amf.parse(array) == [{"width": 1280.0}]


@pytest.mark.parametrize(
    "value", [None, True, False, 1.5, "", "text", {}, {"a": {"b": None}}, [1.0, "x", [True]]]
)
def test_values_survive_there_and_back(value: amf.Value) -> None:
    assert amf.parse(amf.build(value, value)) == [value, value]


def test_a_value_cut_short_is_an_error() -> None:
    with pytest.raises(ValueError, match="ends in a value"):
        amf.parse(amf.build("text")[:-1])
