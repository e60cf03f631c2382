"""From rounds to figures: medians, sums, ratios, promises, and the picture of them."""

import json
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

from bench import flv
from bench.crowd import unequal_viewers
from bench.picture import Dot, draw
from bench.report import Promise, Reference, Report, Row, column, percentile
from bench.servers import choose_servers


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeRow(Row):
    cost: float = column("cost", 2, compared=True)
    faults: int = column("faults", 0, sum)


def rows(server: str, *costs: float) -> list[Row]:
    return [SomeRow(case="some load", server=server, cost=cost, faults=1) for cost in costs]


ROUNDS = rows("nginx-rtmp", 2, 4, 9) + rows("slipstream auto", 1, 3, 5)
PROMISE = Promise("slipstream auto", "cost", 0.7, of_reference=True)


def test_rounds_become_their_median_and_faults_their_sum() -> None:
    _, ours = Report("Some", ROUNDS).combined()
    assert ours == SomeRow(case="some load", server="slipstream auto", cost=3, faults=3)


def test_the_table_shows_the_ratio_to_nginx() -> None:
    assert "| slipstream auto | 3.00 | 0.75 | 3 |" in Report("Some", ROUNDS).markdown()


@pytest.mark.parametrize(("limit", "word"), [(0.7, "MISSED"), (0.8, "kept")])
def test_a_promise_is_kept_or_missed(limit: float, word: str) -> None:
    promise = Promise("slipstream auto", "cost", limit, of_reference=True)
    (verdict,) = Report("Some", ROUNDS, [promise]).verdicts()
    assert verdict.startswith(f"- {word}: ")


@pytest.mark.parametrize(("limit", "word"), [(0.7, "kept"), (0.8, "MISSED")])
def test_a_promise_may_be_of_at_least_so_much_of_another_server(limit: float, word: str) -> None:
    promise = Promise("slipstream auto", "cost", limit, of="nginx-rtmp", at_least=True)
    other = Reference("nobody", lambda _: "nobody")
    (verdict,) = Report("Some", ROUNDS, [promise], other).verdicts()
    assert verdict == f"- {word}: slipstream auto cost at least {limit} x nginx-rtmp: 0.75"


def test_a_ratio_needs_nginx_in_the_same_run() -> None:
    (verdict,) = Report("Some", rows("slipstream auto", 1), [PROMISE]).verdicts()
    assert "not measured" in verdict


def test_a_report_may_compare_with_another_server_than_nginx() -> None:
    ours = rows("one", 2) + rows("both", 3)
    promise = Promise("both", "cost", 1.2, of_reference=True)
    report = Report("Some", ours, [promise], Reference("one", lambda _: "one"))
    assert "| cost | x one |" in report.markdown()
    assert "| both | 3.00 | 1.50 | 1 |" in report.markdown()
    assert list(report.verdicts()) == ["- MISSED: both cost at most 1.2 x one: 1.50"]


def test_flv_over_http_is_compared_with_rtmp_at_the_same_point_of_the_pump() -> None:
    names = [server.name for server in choose_servers(flv.SERVERS)]
    assert [flv.SAME_OVER_RTMP.of(name) for name in names] == [
        *["slipstream at once"] * 3,
        *["slipstream auto"] * 3,
        *["slipstream 100 ms"] * 3,
    ]


def test_a_report_is_json() -> None:
    assert len(json.loads(json.dumps(Report("Some", ROUNDS).to_json()))["rounds"]) == 6


def test_percentiles_are_values_that_occurred() -> None:
    delays = [float(delay) for delay in range(1, 101)]
    assert percentile(delays, 0.5) == 51
    assert percentile(delays, 0.99) == 100
    assert percentile(delays, 1) == 100


def test_one_message_too_few_or_too_many_makes_a_viewer_unequal() -> None:
    before = {"a": [0, 10, 20, 30]}
    assert unequal_viewers(before, {"a": [1000, 1010, 1020, 1030]}) == 0
    assert unequal_viewers(before, {"a": [1000, 1010, 1038, 1030]}) == 0  # a ping of 18 bytes
    assert unequal_viewers(before, {"a": [1000, 670, 1360, 1030]}) == 2


def test_viewers_of_two_streams_are_not_compared_with_each_other() -> None:
    before = {"a": [0, 0, 0], "b": [0, 0, 0]}
    assert unequal_viewers(before, {"a": [1000, 1000, 1000], "b": [5000, 5000, 5000]}) == 0
    assert unequal_viewers(before, {"a": [1000, 1000, 5000], "b": [5000, 5000, 5000]}) == 1


def test_the_picture_is_well_formed_and_names_every_server() -> None:
    dots = [Dot("load", "a <b>", 1.5, 2.4), Dot("load", "c", 700, 0.2), Dot("more", "c", 3, 1)]
    text = draw(dots)
    assert len(ElementTree.fromstring(text).findall(".//{*}circle")) == 3
    assert "a &lt;b&gt;" in text


def test_a_beginning_chooses_all_servers_that_have_it() -> None:
    names = [server.name for server in choose_servers("slip,nginx")]
    assert names == [
        *[f"slipstream {pump}" for pump in ("at once", "auto", "100 ms")],
        "nginx-rtmp",
    ]


def test_an_unknown_server_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SystemExit, match="nginx-rtmp"):
        choose_servers("srs")


def test_what_is_not_known_is_neither_a_figure_nor_bad_json() -> None:
    report = Report("Some", rows("nginx-rtmp", float("nan")))
    assert "| nginx-rtmp | - | - | 1 |" in report.markdown()
    assert "NaN" not in json.dumps(report.to_json())
