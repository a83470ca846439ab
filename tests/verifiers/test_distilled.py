"""A distilled verifier as a file: what it reads off a text, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scipy.special import expit

from verifier_agent.errors import ConfigurationError
from verifier_agent.models import OpenAIChatModel
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers import Distilled, resolve_verifiers
from verifier_agent.verifiers.distilled import SIZE, Student, packed, written
from verifier_agent.verifiers.surface import MEASURES, features

TASK = Task(question="Ann has 3 bags of 4 pens. How many pens?")
RIGHT = Candidate(id="g0", text="3 * 4 = 12\nAnswer: 12")
WRONG = Candidate(id="g1", text="3 * 4 = 13\nAnswer: 13")
STRAY = Candidate(id="g2", text="It is 77, I think.")


def student(**weights: float) -> Student:
    """One that knows measures only, by their names with _ for spaces."""
    numbers = [weights.get(name.replace(" ", "_"), 0.0) for name in MEASURES]
    return Student(weights=packed(numbers + [0.0] * (SIZE - len(MEASURES))), sheet={"teacher": "t"})


def measures(candidate: Candidate) -> dict[str, float]:
    (read,) = features(TASK, [candidate])
    return {name: read.get(at, 0.0) for at, name in enumerate(MEASURES)}


def test_it_reads_whether_equations_hold_and_where_numbers_come_from() -> None:
    right, wrong, stray = map(measures, (RIGHT, WRONG, STRAY))
    assert (right["share of steps whose equations hold"], right["a false equation"]) == (1.0, 0.0)
    assert (wrong["share of steps whose equations hold"], wrong["a false equation"]) == (0.0, 1.0)
    assert right["numbers of the question that are used"] == 1.0
    assert stray["numbers of the question that are used"] == 0.0
    assert stray["numbers that come from nowhere"] > right["numbers that come from nowhere"] == 0.0
    assert right["states an answer"] > stray["states an answer"]


def test_words_count_by_what_they_are_and_numbers_by_whether_the_question_has_them() -> None:
    def words(text: str) -> dict[int, float]:
        (read,) = features(TASK, [Candidate(id="g0", text=text)])
        return {at: value for at, value in read.items() if at >= len(MEASURES)}

    assert words("about 55 pens") == words("about 77 pens")
    assert words("about 3 pens") != words("about 5 pens")  # the question has a 3
    assert words("") == {}
    assert sum(value**2 for value in words("a b c d").values()) == pytest.approx(1.0)


def test_the_score_is_the_weighted_sum_as_a_probability() -> None:
    verifier = Distilled(student(a_false_equation=-3.0, states_an_answer=1.0, one=0.5))
    right, wrong = verifier.verify_sync(TASK, [RIGHT, WRONG])
    assert (right.score, wrong.score) == pytest.approx((expit(1.5), expit(-1.5)))
    assert wrong.evidence["measures"]["a false equation"] == 1.0
    assert not wrong.hard
    empty = verifier.verify_sync(TASK, [Candidate(id="g0", text=" \n")])[0]
    assert (empty.score, empty.error) == (None, "there is no text")


def test_it_survives_its_file_and_is_named_by_it(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(written(student(one=1.25)))
    assert Student.read(path) == student(one=1.25)
    model = OpenAIChatModel(model="loopback", base_url="http://127.0.0.1:1/v1")
    (found,) = resolve_verifiers(f"distilled:{path}", model=model)
    assert isinstance(found, Distilled)
    assert (found.name, found.sheet) == ("distilled", {"teacher": "t"})


def test_using_one_loads_no_package_for_numbers(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(written(student(one=1.0)))
    code = (
        "import sys; from verifier_agent.verifiers import Distilled; "
        "from verifier_agent import Task, Candidate; "
        f"v = Distilled.from_file({str(path)!r}); "
        "v.verify_sync(Task(question='q'), [Candidate(id='g0', text='1 + 1 = 2')]); "
        "print({'numpy', 'torch', 'onnxruntime'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "calibration"}, "kind"),
        ({"schema": 2}, "schema"),
        ({"features": 9}, "features"),
        ({"weights": "???"}, "weights"),
        ({"weights": packed([0.0] * 3)}, "finite numbers are needed"),
        ({"weights": packed([float("nan")] * SIZE)}, "finite numbers are needed"),
        ({"sheet": None}, "sheet"),
    ],
    ids=["kind", "schema", "features", "no base64", "too few", "nan", "sheet"],
)
def test_a_file_that_is_something_else_is_refused(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps(json.loads(written(student())) | change))
    with pytest.raises(ConfigurationError, match=told):
        Distilled.from_file(path)


def test_a_file_that_is_missing_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        Distilled.from_file(tmp_path / "none.json")
    (tmp_path / "d.json").write_text("{")
    with pytest.raises(ConfigurationError, match="no distilled verifier"):
        Distilled.from_file(tmp_path / "d.json")
