from __future__ import annotations

import copy
import math
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.making import Plain, coins, write
from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.evaluation.plots import (
    draw_accuracy,
    draw_by_difficulty,
    draw_calibration,
    write_chart,
)
from verifier_agent.evaluation.plots.measures import MEASURES
from verifier_agent.evaluation.plots.panels import apart

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)> & \"it's\""
LEDGER = {"total_tokens": 300.0, "usd": 0.002, "joules": 1.5, "flops": 4e9}
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)


def a_point(n: int, accuracy: float, error: float | None = 0.05, **changed: Any) -> Plain:
    ledger = {name: n * value for name, value in LEDGER.items()}
    return {
        "max_samples": n,
        "accuracy": accuracy,
        "accuracy_se": error,
        "mean_samples": float(n),
        "mean_tokens": 100.0 * n,
        "ledger": ledger,
        **changed,
    }


def a_result(*accuracies: float, **changed: Any) -> Plain:
    points = [a_point(2**i, a) for i, a in enumerate(accuracies or (0.5, 0.6, 0.7))]
    curve = {"questions": 40, "by_budget": points, "baselines": {"first": 0.5, "oracle": 0.9}}
    return {
        **curve,
        "reliability": [{"confidence": 0.3, "accuracy": 0.25, "count": 20},
                        {"confidence": 0.8, "accuracy": 0.9, "count": 80}],
        "by_difficulty": [{"difficulty": d, **copy.deepcopy(curve)} for d in ("easy", "hard")],
        **changed,
    }  # fmt: skip


def drawn(chart: Any, mark: str) -> list[Plain]:
    """Return the data under the marks of one kind, as Vega-Lite is given them."""
    spec = chart.to_dict()

    def walk(node: Plain) -> Iterator[Plain]:
        for inner in node.get("concat", []) + node.get("layer", []):
            yield from walk(inner)
        if node.get("mark", {}).get("type") == mark:
            yield from spec["datasets"][node["data"]["name"]]

    return list(walk(spec))


def baselines(chart: Any) -> list[Plain]:
    return [row for row in drawn(chart, "rule") if "baseline" in row]


def marks(svg: Path, role: str) -> list[tuple[float, float, str, str]]:
    """Return the place, the label and the path of the marks that the picture shows."""
    found = []
    for element in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}path"):
        if element.get("aria-roledescription") == role:
            place = re.fullmatch(r"translate\(([^,]+),([^)]+)\)", element.attrib["transform"])
            assert place
            label = element.attrib["aria-label"]
            found.append((float(place[1]), float(place[2]), label, element.attrib["d"]))
    return found


shares = st.floats(0, 1)
points = st.lists(
    st.tuples(shares, shares | st.none(), st.floats(1e-9, 1e12)), min_size=1, max_size=5
)


@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from("abc"), points, min_size=1))
def test_what_is_drawn_is_what_was_measured_and_a_band_is_1_96_errors_wide(
    given_: dict[str, list[tuple[float, float | None, float]]],
) -> None:
    results = {
        name: a_result(
            by_budget=[
                a_point(n + 1, a, e, mean_tokens=t, ledger={}) for n, (a, e, t) in enumerate(p)
            ]
        )
        for name, p in given_.items()
    }
    rows = drawn(draw_accuracy(results), "line")
    assert [(row["result"], row["x"], row["accuracy"]) for row in rows] == [
        (name, t, a) for name, p in given_.items() for a, _, t in p
    ]
    for row, (a, e, _) in zip(rows, (one for p in given_.values() for one in p), strict=True):
        if e is None:
            assert row["low"] is row["high"] is None
        else:
            assert row["high"] - a == pytest.approx(1.96 * e)
            assert a - row["low"] == pytest.approx(1.96 * e)


def test_the_picture_puts_every_point_where_it_belongs(tmp_path: Path) -> None:
    results = {"vote": a_result(0.5, 0.6, 0.8, 0.7), "best": a_result(0.4, 0.3)}
    svg = tmp_path / "out.svg"
    write_chart(draw_accuracy(results, x="flops"), svg)
    places = marks(svg, "point")
    expected = [
        (point["ledger"]["flops"], point["accuracy"])
        for result in results.values()
        for point in result["by_budget"]
    ]
    assert len(places) == len(expected)
    # pixels are a line of the logarithm across, and of the accuracy up
    (x0, y0, *_), (x1, y1, *_) = places[0], places[1]
    across = (x1 - x0) / (math.log(expected[1][0]) - math.log(expected[0][0]))
    up = (y1 - y0) / (expected[1][1] - expected[0][1])
    assert across > 0 > up
    for (x, y, label, _), (flops, accuracy) in zip(places, expected, strict=True):
        assert x == pytest.approx(x0 + across * math.log(flops / expected[0][0]), abs=0.1)
        assert y == pytest.approx(y0 + up * (accuracy - expected[0][1]), abs=0.1)
        assert f"accuracy: {100 * accuracy:.3g}%;" in label


def test_a_single_point_is_shown_in_the_middle(tmp_path: Path) -> None:
    svg = tmp_path / "out.svg"
    write_chart(draw_accuracy({"one": a_result(0.5)}), svg)
    ((x, _, label, _),) = marks(svg, "point")
    assert x == pytest.approx(270, abs=1)
    assert "all tokens per question: 300" in label


def test_a_real_evaluation_can_be_drawn(tmp_path: Path) -> None:
    pool = write(tmp_path / "pool", coins(12, 8, [0.25, 0.75]))
    found = evaluate(pool, Replay(policy="best_of(8)", selector="vote", verifier=None))
    rows = drawn(draw_accuracy({"vote": found}, x="samples"), "line")
    assert [row["x"] for row in rows] == [1, 2, 4, 8]
    assert [row["accuracy"] for row in rows] == [p["accuracy"] for p in found["by_budget"]]
    labels = {row["baseline"]: row["accuracy"] for row in baselines(draw_accuracy({"v": found}))}
    assert (
        labels.pop("adaptive_consistency") == found["baselines"]["adaptive_consistency"]["accuracy"]
    )
    assert labels == {k: v for k, v in found["baselines"].items() if k != "adaptive_consistency"}


def title_of_x(chart: Any) -> str:
    return str(chart.to_dict()["layer"][0]["encoding"]["x"]["title"])


def test_tokens_are_all_of_them_where_every_result_knows_them_and_else_the_generated_ones() -> None:
    whole, part = a_result(), a_result()
    chart = draw_accuracy({"whole": whole})
    assert title_of_x(chart) == "all tokens per question"
    assert [row["x"] for row in drawn(chart, "line")] == [300, 600, 1200]
    part["by_budget"][1]["ledger"]["total_tokens"] = None
    chart = draw_accuracy({"whole": whole, "part": part})
    assert title_of_x(chart) == "generated tokens per question"
    assert [row["x"] for row in drawn(chart, "line")] == 2 * [100, 200, 400]


def test_each_quantity_is_read_where_the_ledger_has_it_and_the_axis_says_its_unit() -> None:
    for x, unit in {"usd": "dollars", "joules": "joules", "flops": "operations"}.items():
        chart = draw_accuracy({"one": a_result()}, x=x)
        assert [row["x"] for row in drawn(chart, "line")] == [n * LEDGER[x] for n in (1, 2, 4)]
        assert unit in title_of_x(chart)
    assert set(MEASURES) == {"tokens", "samples", "usd", "joules", "flops"}


def test_nothing_spent_at_some_point_takes_a_linear_axis() -> None:
    result = a_result()
    kinds = []
    for _ in range(2):
        kinds.append(draw_accuracy({"one": result}, x="usd").to_dict()["layer"][0]["encoding"]["x"])
        result["by_budget"][0]["ledger"]["usd"] = 0.0
    assert [kind["scale"].get("type", "linear") for kind in kinds] == ["log", "linear"]


def test_baselines_that_all_share_are_drawn_once_and_others_in_their_results_colour() -> None:
    results = {
        "a": a_result(),
        "b": a_result(baselines={"first": 0.5, "oracle": 0.8, "best": None}),
    }
    rules = baselines(draw_accuracy(results))
    assert {(row["result"], row["baseline"], row["accuracy"]) for row in rules} == {
        ("", "first", 0.5),
        ("a", "oracle", 0.9),
        ("b", "oracle", 0.8),
    }
    assert {row["label"] for row in rules} == {"first 50.0%", "oracle 90.0%", "oracle 80.0%"}


@given(st.lists(shares, max_size=12))
def test_labels_stand_apart_in_their_order_below_the_top(values: list[float]) -> None:
    placed = apart(values, gap=0.05, top=1.0)
    assert sorted(range(len(values)), key=values.__getitem__) == sorted(
        range(len(values)), key=placed.__getitem__
    )
    heights = sorted(placed)
    assert all(b - a >= 0.05 - 1e-9 for a, b in pairwise(heights))
    assert all(height <= 1 for height in heights)


@given(st.sampled_from(["tokens", "samples"]), st.floats(1e-6, 1e12), st.floats(1.2, 1e5))
def test_ticks_are_round_and_inside_and_few(x: str, low: float, ratio: float) -> None:
    ticks = MEASURES[x][0].ticks(low, low * ratio, most=5)
    assert len(ticks) <= 5
    assert all(low <= tick <= low * ratio for tick in ticks)
    for tick in ticks:
        shown = f"{tick:.0e}" if x == "tokens" else str(math.frexp(tick)[0])
        assert shown[0] in "125" if x == "tokens" else shown == "0.5"


def test_difficulties_get_a_panel_each_on_the_same_axes() -> None:
    chart = draw_by_difficulty({"a": a_result(), "b": a_result()}, x="joules").to_dict()
    titles = [panel["title"]["text"] for panel in chart["concat"]]
    assert titles == ["difficulty easy (40 questions)", "difficulty hard (40 questions)"]
    axes = [
        [panel["layer"][0]["encoding"][axis]["scale"] for axis in "xy"] for panel in chart["concat"]
    ]
    assert axes[0] == axes[1]
    rows = drawn(draw_by_difficulty({"a": a_result(), "b": a_result()}), "line")
    assert [row["accuracy"] for row in rows] == 4 * [0.5, 0.6, 0.7]


def test_areas_of_a_calibration_curve_are_in_proportion_to_the_runs(tmp_path: Path) -> None:
    svg = tmp_path / "out.svg"
    chart = draw_calibration({"one": a_result()})
    write_chart(chart, svg)
    lines = drawn(chart, "line")
    assert [(row["confidence"], row["accuracy"]) for row in lines[:2]] == [(0, 0), (1, 1)]
    assert lines[2:] == [{"result": "one", **held} for held in a_result()["reliability"]]
    radii = []
    for *_, path in marks(svg, "point"):
        radius = re.match(r"M([\d.]+),0A", path)
        assert radius
        radii.append(float(radius[1]))
    assert radii[1] ** 2 / radii[0] ** 2 == pytest.approx(80 / 20, rel=0.01)


def without(*keys: str | int) -> Plain:
    """Return a result of which one entry is unknown."""
    result = a_result()
    held: Any = result
    for key in keys[:-1]:
        held = held[key]
    held[keys[-1]] = None
    return result


Draw = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("draw", "result", "said"),
    [
        (lambda r: draw_accuracy(r, x="usd"), without("by_budget", 1, "ledger", "usd"),
         "by_budget.1.ledger.usd is unknown; evaluate a pool whose samples carry `cost`"),
        (lambda r: draw_by_difficulty(r, x="joules"),
         without("by_difficulty", 1, "by_budget", 2, "ledger", "joules"),
         "by_difficulty.1.by_budget.2.ledger.joules is unknown"),
        (draw_accuracy, without("by_budget", 0, "accuracy"), "carry `correct`"),
        (draw_accuracy, a_result(by_budget=[a_point(1, 0.5, mean_tokens=None, ledger={})]),
         "by_budget.0.mean_tokens is unknown"),
        (lambda r: draw_accuracy(r, x="usd"),
         a_result(by_budget=[a_point(1, 0.5, ledger={"usd": 0})]), "ledger.usd is 0"),
        (lambda r: draw_accuracy(r, x="dollars"), a_result(), "known: flops, joules, samples"),
        (draw_calibration, a_result(reliability=[]), "reliability is empty"),
        (draw_by_difficulty, a_result(by_difficulty=[]), "by_difficulty is empty"),
        (draw_accuracy, a_result(by_budget=[a_point(1, 1.5)]), "by_budget.0.accuracy: Input"),
        (draw_accuracy, a_result(by_budget=[a_point(1, math.nan)]), "by_budget.0.accuracy: Input"),
        (draw_accuracy, a_result(by_budget=[]), "by_budget: List should have at least 1 item"),
        (draw_accuracy, a_result(baselines=7), "baselines: Input"),
        (draw_accuracy, {"answer": 7}, "questions: Field required; give what `verifier-agent eval"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_a_result_has_not_is_refused_by_name_and_key(
    draw: Draw, result: Plain, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
        draw({"mine": result})
    assert "mine" in str(caught.value) or "x='dollars'" in str(caught.value)


def test_results_that_cannot_stand_in_one_plot_are_refused() -> None:
    few = a_result(by_difficulty=a_result()["by_difficulty"][:1])
    with pytest.raises(ConfigurationError, match=r"'b': by_difficulty .* \{'easy': 40\}"):
        draw_by_difficulty({"a": a_result(), "b": few})
    with pytest.raises(ConfigurationError, match="at most 7"):
        draw_accuracy({str(i): a_result() for i in range(8)})
    for names, said in (((), "no result"), (("\x1b[2J",), "printable"), ((" ",), "printable")):
        with pytest.raises(ConfigurationError, match=said):
            draw_accuracy({name: a_result() for name in names})


class Links(HTMLParser):
    """Collects what a page would fetch, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href", "srcset")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "a & b.html"
    write_chart(draw_accuracy({HOSTILE: a_result(), "tame": a_result()}), out)
    return out


def test_a_page_fetches_nothing_and_forbids_itself_to(page: Path) -> None:
    links = Links(page.read_text())
    assert links.fetched == []
    assert links.tags.count("script") == 2
    assert "img" not in links.tags
    assert "default-src 'none'" in page.read_text()


def test_hostile_names_are_text_in_a_picture_too(tmp_path: Path) -> None:
    svg = tmp_path / "out.SVG"
    write_chart(draw_accuracy({HOSTILE: a_result()}), svg)
    root = ElementTree.parse(svg).getroot()
    shown = [element.text or "" for element in root.iter()]
    assert any(text.startswith("</script><script>") for text in shown)  # a legend cuts long names
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "g", "path", "text", "rect", "line", "defs", "clipPath"}
    assert "href" not in svg.read_text()


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")
def test_a_browser_without_a_network_shows_the_page(page: Path, tmp_path: Path) -> None:
    told = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000",
         f"--user-data-dir={tmp_path}", "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom",
         page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    shown = Links(told.stdout)
    assert "svg" in shown.tags
    assert told.stdout.count('aria-roledescription="point"') == 6
    assert "<title>a &amp; b</title>" in told.stdout
    assert "img" not in shown.tags
    assert shown.tags.count("script") == 2


def test_another_ending_and_a_folder_that_is_not_there_are_refused(tmp_path: Path) -> None:
    chart = draw_calibration({"one": a_result()})
    with pytest.raises(ConfigurationError, match=r"ends in \.html or \.svg"):
        write_chart(chart, tmp_path / "out.png")
    with pytest.raises(ConfigurationError, match="No such file"):
        write_chart(chart, tmp_path / "none" / "out.svg")


def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [m for m in sys.modules if m.startswith("verifier_agent.evaluation.plots")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingExtra, match=r"pip install 'verifier-agent\[plots\]'"):
        import verifier_agent.evaluation.plots  # noqa: F401
