"""What actions can ask for beyond a draft: text to go on from, attempts to read, marks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from verifier_agent import Budget, ConfigurationError, Run, create_verifier_agent
from verifier_agent.budget import Remaining
from verifier_agent.embedded import example
from verifier_agent.errors import PolicyError
from verifier_agent.graph.brief import Brief, brief
from verifier_agent.graph.checking import check_actions
from verifier_agent.graph.controller import Planned
from verifier_agent.models import Capabilities, OpenAIChatModel
from verifier_agent.search import Policy, chains
from verifier_agent.search.demands import APPENDING, CONTINUING
from verifier_agent.testing import ModelServer, Reply, Request
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Revise, Task, Verdict

CHAT = Capabilities(name="chat")
CONTINUES = Capabilities(name="continues", prefix=True)
QUESTION = {"messages": [("user", "What is 3 + 4?")]}


def tree() -> Tree:
    ids = ["g0", "g0.r0", "g0.r0.r0", "g1"]
    return Tree(
        Task(question="q"),
        [
            Candidate(
                id=name,
                parent=name.rpartition(".")[0] or None,
                via="revise" if "r" in name else "generate",
                text=f"text of {name}",
                error="refused" if name == "g1" else None,
            )
            for name in ids
        ],
        [Verdict(candidate=name, verifier="v", feedback=f"on {name}") for name in ids[:2]],
    )


def test_a_text_is_put_below_the_answer_and_the_model_goes_on_from_there() -> None:
    action = Generate(parent="g0", append="Wait")
    assert brief(action, tree(), CONTINUES).messages() == [AIMessage("text of g0\nWait")]


def test_a_complete_answer_is_continued_only_with_a_text() -> None:
    check_actions([Generate(parent="g0", append="Wait")], tree())
    with pytest.raises(PolicyError, match="which is complete"):
        check_actions([Generate(parent="g0")], tree())


def test_a_revision_reads_the_attempts_it_is_shown_in_their_order() -> None:
    action = Revise(target="g0.r0.r0", shown=("g0", "g0.r0"))
    made = brief(action, tree(), CHAT)
    assert made.earlier == (("text of g0", "v: on g0"), ("text of g0.r0", "v: on g0.r0"))
    messages = made.messages()
    assert [type(m) for m in messages] == [AIMessage, HumanMessage] * 3
    assert [m.text for m in messages[::2]] == [f"text of {n}" for n in ("g0", "g0.r0", "g0.r0.r0")]
    assert "v: on g0.r0" in messages[3].text
    assert "no details" in messages[5].text


@pytest.mark.parametrize("name", ["g7", "g1"])
def test_what_is_shown_must_exist_and_be_usable(name: str) -> None:
    with pytest.raises(PolicyError, match=name):
        check_actions([Revise(target="g0", shown=(name,))], tree())


@pytest.mark.parametrize(
    "action",
    [
        Generate(parent="g0", append="Wait", mark="forced"),
        Revise(target="g0.r0", shown=("g0",), mark="2/x"),
    ],
)
def test_the_plain_form_keeps_all_of_it(action: Any) -> None:
    planned = Planned(action=action)
    assert Planned.from_dict(planned.to_dict()) == planned
    shown = brief(action, tree(), CONTINUES)
    assert Brief.from_dict(shown.to_dict()) == shown


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("forced(2)", "'chat' cannot continue a partial answer"),
        ("then(best_of(2), forced(4))", "'chat' cannot continue a partial answer"),
        ("route(agreement(4), best_of(4), until(forced(4), agree()))", "'chat' cannot continue"),
        ("cascade(('chat', 'large'), agree())", "asks model 'large'"),
        ("then(best_of(2), revise(2, model='caht'))", "asks model 'caht'.*did you mean 'chat'"),
    ],
)
def test_what_the_models_cannot_do_is_refused_before_anything_is_spent(
    policy: str, said: str
) -> None:
    with ModelServer(lambda request: Reply("Answer: 7")) as server:
        model = OpenAIChatModel(model="chat", base_url=server.url)
        agent = create_verifier_agent(model, verifier="agreement", policy=policy)
        with pytest.raises((ConfigurationError, PolicyError), match=said):
            agent.invoke(QUESTION)
        assert server.calls == 0


@pytest.mark.parametrize("name", sorted(Policy.definitions))
def test_the_policies_that_continue_are_known_by_name(name: str) -> None:
    try:
        policy = Policy.make(name, (), {})
    except ConfigurationError:
        return  # it needs parts or models, and asks what they ask
    asked = policy(Tree(Task(question="q")), Remaining())
    drafts = [action for action in asked if isinstance(action, Generate)]
    assert (name in CONTINUING) == any(draft.until == "step" for draft in drafts)
    assert (name in APPENDING) == any(draft.append for draft in drafts)


def stepwise(request: Request) -> Reply:
    """Write the next of three lines, and more than was asked for."""
    *_, last = request.messages
    assert last["role"] == "user"
    assert "next step only" in last["content"]
    written = [m["content"] for m in request.messages if m["role"] == "assistant"]
    done = len("".join(written).splitlines())
    steps = ["2 + 3 = 5", "5 * 4 = 20", "Answer: 20", "and so on"]
    return Reply("\n".join(steps[done:]))


@pytest.mark.parametrize("policy", ["beam(2, 2)", "rebase(2)", "particles(2)"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_chat_model_without_prefix_is_asked_for_one_step_at_a_time(
    policy: str, asynchronous: bool
) -> None:
    with ModelServer(stepwise) as server:
        model = OpenAIChatModel(model="chat", base_url=server.url)
        agent = create_verifier_agent(
            model, verifier=lambda task, candidate: 0.9, policy=policy, seed=1
        )
        result = asyncio.run(agent.ainvoke(QUESTION)) if asynchronous else agent.invoke(QUESTION)
    run = Run.of(result)
    assert run.selection.answer == "20"
    chosen = next(c for c in run.candidates if c.id == run.selection.candidate)
    assert chosen.text == "2 + 3 = 5\n5 * 4 = 20\nAnswer: 20"
    assert (chosen.depth, chosen.done) == (2, True)
    # the beginning that is sent again with every step is charged as prompt
    assert run.spent.tokens == server.input_tokens + server.output_tokens
    assert run.spent.calls == server.calls


def revised(request: Request) -> Reply:
    attempts = sum(message["role"] == "assistant" for message in request.messages)
    return Reply(f"After {attempts} attempts.\nAnswer: {attempts}")


def test_a_chain_shows_at_most_four_attempts_and_is_charged_for_them() -> None:
    with ModelServer(revised) as server:
        model = OpenAIChatModel(model="chat", base_url=server.url, max_tokens=50)
        agent = create_verifier_agent(
            model, verifier="agreement", policy=chains(1, 7), budget=Budget(tokens=20_000)
        )
        run = Run.of(agent.invoke(QUESTION))
    used = sum(served.input_tokens + served.output_tokens for served in server.served)
    assert [c.answer for c in run.candidates] == ["0", "1", "2", "3", "4", "4", "4"]
    assert run.spent.tokens == used
    prompts = [c.cost.input_tokens for c in run.candidates]
    assert prompts[:5] == sorted(set(prompts[:5])), "each attempt makes the next prompt longer"


@pytest.mark.parametrize("tokens", [1500, 3000, 6000, 12_000, 24_000])
def test_a_budget_in_tokens_holds_for_chains_that_grow_their_prompts(tokens: int) -> None:
    with ModelServer(revised) as server:
        model = OpenAIChatModel(model="chat", base_url=server.url, max_tokens=50)
        agent = create_verifier_agent(
            model, verifier="agreement", policy=chains(2, 6), budget=Budget(tokens=tokens)
        )
        run = Run.of(agent.invoke(QUESTION))
    used = sum(served.input_tokens + served.output_tokens for served in server.served)
    assert used == run.spent.tokens <= tokens
    assert run.selection.answer is not None


def test_the_mark_of_an_action_is_on_its_candidates() -> None:
    policy = "then(rebase(2, depth=2), best_of(1))"
    agent = create_verifier_agent("embedded", verifier="embedded-prm", policy=policy, seed=0)
    question = example(level=2, seed=0).question
    run = Run.of(agent.invoke({"messages": [("user", question)]}))
    assert [c.mark for c in run.candidates if c.parent is None] == ["first/step"] * 2 + ["second/"]


@pytest.mark.parametrize("policy", ["beam(2, 2)", "rebase(3)", "particles(3, 2)", "mcts(4, 2, 2)"])
@pytest.mark.parametrize(
    "limit", [{"calls": n} for n in (1, 2, 5, 12, 23)] + [{"tokens": n} for n in (400, 1500, 3000)]
)
def test_a_search_over_steps_ends_with_a_whole_answer_whatever_the_budget(
    policy: str, limit: dict[str, int]
) -> None:
    agent = create_verifier_agent(
        "embedded", verifier="embedded-prm", policy=policy, seed=3, budget=Budget(**limit)
    )
    run = Run.of(agent.invoke({"messages": [("user", example(level=3, seed=1).question)]}))
    (unit, most) = next(iter(limit.items()))
    assert getattr(run.spent, unit) <= most
    assert run.tree.finished
    assert run.tree[str(run.selection.candidate)].done
