from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage

from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.brief import Brief, brief, sound_part
from verifier_agent.models import Capabilities
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Judged, Revise, Task, Verdict

CHAT = Capabilities(name="chat")
CONTINUES = Capabilities(name="continues", prefix=True)
RAW = Capabilities(name="raw", prefix=True, instructions=False)

TEXT = "2+3=5\n\n5*4=21\nAnswer: 21"


def said(*steps: float | None, feedback: str = "", verifier: str = "v") -> Verdict:
    return Verdict(candidate="g0", verifier=verifier, steps=steps, score=0.5, feedback=feedback)


def tree(*verdicts: Verdict, text: str = TEXT, done: bool = True) -> Tree:
    return Tree(Task(question="q"), [Candidate(id="g0", text=text, done=done)], verdicts)


def judged(*verdicts: Verdict, text: str = TEXT) -> Judged:
    return Judged(candidate=Candidate(id="g0", text=text), verdicts=verdicts)


def test_a_draft_adds_nothing_to_the_conversation() -> None:
    made = brief(Generate(), tree(), CHAT)
    assert made == Brief()
    assert made.messages() == []


def test_a_step_continues_its_parent_on_a_new_line() -> None:
    made = brief(Generate(parent="g0", until="step"), tree(text="2+3=5", done=False), CONTINUES)
    assert made.messages() == [AIMessage("2+3=5\n")]


def test_a_model_that_continues_no_prefix_is_asked_to_go_on_in_words() -> None:
    first = brief(Generate(until="step"), tree(), CHAT).messages()
    assert [type(message) for message in first] == [HumanMessage]
    assert "next step" in first[0].text
    begun, asked = brief(Generate(parent="g0", until="step"), tree(text="2+3=5"), CHAT).messages()
    assert begun == AIMessage("2+3=5\n")
    assert asked == first[0]
    begun, asked = brief(Generate(parent="g0"), tree(text="2+3=5"), CHAT).messages()
    assert begun == AIMessage("2+3=5\n")
    assert "up to the line with the final answer" in asked.text


@pytest.mark.parametrize("action", [Generate(until="step"), Generate(parent="g0")])
def test_a_model_that_can_neither_continue_nor_be_asked_is_refused_by_name(
    action: Generate,
) -> None:
    mute = Capabilities(name="mute", instructions=False)
    with pytest.raises(ConfigurationError, match="'mute' cannot continue a partial answer"):
        brief(action, tree(), mute)


def test_words_in_the_name_of_a_model_need_a_prefix() -> None:
    action = Generate(parent="g0", append="Wait")
    assert brief(action, tree(), CONTINUES).prefix == f"{TEXT}\nWait"
    with pytest.raises(ConfigurationError, match="which forced needs"):
        brief(action, tree(), CHAT)


@pytest.mark.parametrize(
    ("steps", "kept"),
    [
        ((0.9, 0.2, 0.1), "2+3=5\n\n"),
        ((0.9, 0.5, 0.4), "2+3=5\n\n5*4=21\n"),
        ((0.4, 0.1, 0.0), ""),
        ((None, 0.2, None), "2+3=5\n\n"),
        # none is suspect: the weakest is written anew, the first of equals
        ((0.9, 0.6, 0.7), "2+3=5\n\n"),
        ((0.9, 0.6, 0.6), "2+3=5\n\n"),
        ((1.0, 1.0, 1.0), ""),
        ((None, None, 0.8), "2+3=5\n\n5*4=21\n"),
    ],
)
def test_a_revision_is_cut_at_the_first_suspect_line(
    steps: tuple[float | None, ...], kept: str
) -> None:
    assert sound_part(judged(said(*steps))) == kept
    assert brief(Revise(target="g0"), tree(said(*steps)), CONTINUES) == Brief(prefix=kept)


def test_of_several_verifiers_the_strictest_counts_for_each_step() -> None:
    both = (said(0.9, 0.4, 0.9), said(0.8, 0.9, 0.2, verifier="w"))
    assert sound_part(judged(*both)) == "2+3=5\n\n"
    assert sound_part(judged(*reversed(both))) == "2+3=5\n\n"


@pytest.mark.parametrize("steps", [(), (None, None, None), (0.1, 0.9), (0.1, 0.9, 0.9, 0.9)])
def test_steps_that_do_not_match_the_lines_are_not_guessed_at(
    steps: tuple[float | None, ...],
) -> None:
    assert sound_part(judged(said(*steps))) is None


@given(
    st.lists(st.sampled_from(["a", "b b", "", "  "]), max_size=8),
    st.lists(st.none() | st.floats(0, 1), max_size=8),
)
def test_what_is_kept_is_a_beginning_without_a_suspect_step(
    lines: list[str], scores: list[float | None]
) -> None:
    text = "\n".join(lines)
    kept = sound_part(judged(said(*scores), text=text))
    solid = [line for line in lines if line.strip()]
    if len(scores) != len(solid) or all(score is None for score in scores):
        assert kept is None
        return
    assert kept is not None
    assert text.startswith(kept)
    before = [line for line in kept.split("\n") if line.strip()]
    assert all(score is None or score >= 0.5 for score in scores[: len(before)])
    # and at least one judged step is written anew
    assert len(before) < len(solid)
    assert scores[len(before)] is not None


def test_without_step_scores_the_model_reads_its_draft_and_the_feedback() -> None:
    verdicts = (said(feedback="line 2 is wrong", verifier="judge"), said(verifier="silent"))
    for able in (CHAT, CONTINUES):
        made = brief(Revise(target="g0"), tree(*verdicts), able)
        assert made == Brief(draft=TEXT, feedback="judge: line 2 is wrong")
        draft, report = made.messages()
        assert draft == AIMessage(TEXT)
        assert isinstance(report, HumanMessage)
        assert "judge: line 2 is wrong" in report.text


def test_a_chat_model_reads_feedback_even_where_steps_were_judged() -> None:
    made = brief(Revise(target="g0"), tree(said(0.9, 0.1, 0.1, feedback="line 2")), CHAT)
    assert made.draft == TEXT


def test_doubt_without_details_is_said_in_words() -> None:
    assert "no details" in brief(Revise(target="g0"), tree(), CHAT).feedback


def test_braces_in_feedback_are_only_text() -> None:
    made = Brief(draft="d", feedback="use {x} and {feedback} {0}")
    assert "use {x} and {feedback} {0}" in made.messages()[1].text


def test_a_model_that_reads_no_instructions_draws_anew_without_step_scores() -> None:
    assert brief(Revise(target="g0"), tree(said(feedback="wrong")), RAW) == Brief()
    assert brief(Revise(target="g0"), tree(said(0.9, 0.1, 0.1)), RAW) == Brief(prefix="2+3=5\n\n")
