"""Time and size: imports, the graph's overhead, the embedded generator."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

import verifier_agent
from verifier_agent import Budget, create_verifier_agent
from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.values import Candidate, Task

HOST = "import langgraph.graph, langchain_core.language_models.chat_models"
QUESTION: Any = {"messages": [("user", "What is it?")]}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def spread(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.3g} (quartiles {low:.3g} to {high:.3g})"


def imports() -> None:
    """CPU seconds of importing the package, against the parts of the host that it stands on."""

    def cost(statement: str) -> float:
        code = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
        return float(subprocess.check_output([sys.executable, "-c", code], text=True))

    pairs = [(cost(HOST), cost("import verifier_agent")) for _ in range(15)]
    say(f"host alone: {spread([host for host, _ in pairs])} s")
    say(f"import verifier_agent: {spread([ours for _, ours in pairs])} s")
    say(f"ratio, pair by pair: {spread([ours / host for host, ours in pairs])}")


def size() -> None:
    """Bytes of the package as it is installed, weights included."""
    root = Path(verifier_agent.__file__).parent
    files = [p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    total = sum(p.stat().st_size for p in files)
    weights = sum(p.stat().st_size for p in files if p.suffix == ".npz")
    say(
        f"package: {total / 1e6:.2f} MB in {len(files)} files, of it weights {weights / 1e6:.2f} MB"
    )


class Instant(BaseChatModel):
    """A chat model that answers at once, so that only the way there is measured."""

    @property
    def _llm_type(self) -> str:
        return "instant"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        usage: Any = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
        message = AIMessage("Answer: 3", usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        return self._generate(*args, **kwargs)


def overhead(n: int = 8, repeats: int = 101) -> None:
    """CPU time of the whole graph with n candidates, above a bare gather of the same calls."""
    model = Instant()
    agent = create_verifier_agent(model, policy=f"best_of({n})", budget=Budget(calls=4 * n), seed=1)

    async def bare() -> None:
        prompt: Any = [[HumanMessage("What is it?")]]
        await asyncio.gather(*(model.agenerate(prompt) for _ in range(n)))

    async def graph() -> None:
        await agent.ainvoke(QUESTION)

    async def timed(work: Callable[[], Any]) -> float:
        start = time.process_time()
        await work()
        return (time.process_time() - start) * 1e3

    async def pairs() -> list[tuple[float, float]]:
        for _ in range(10):
            await graph(), await bare()
        return [(await timed(graph), await timed(bare)) for _ in range(repeats)]

    measured = asyncio.run(pairs())
    say(f"graph at n={n}: {spread([ours for ours, _ in measured])} ms of CPU")
    say(f"bare gather: {spread([bare for _, bare in measured])} ms of CPU")
    say(f"difference, pair by pair: {spread([ours - bare for ours, bare in measured])} ms of CPU")


def replay(questions: int = 30, seeds: int = 2, repeats: int = 5) -> None:
    """Runs per CPU minute of a voting policy on 40 recorded answers that never agree."""
    dice = random.Random(0)
    samples = [
        [{"text": "", "answer": str(dice.randrange(12)), "tokens": 10} for _ in range(40)]
        for _ in range(questions)
    ]
    settings = Replay(policy="until(sample(40, batch=4), agree(0.95))", seeds=seeds)
    rates = []
    with TemporaryDirectory() as folder:
        pool = Path(folder) / "pool.jsonl"
        lines = ({"id": str(i), "question": "?", "samples": s} for i, s in enumerate(samples))
        pool.write_text("".join(json.dumps(line) + "\n" for line in lines))
        for _ in range(repeats):
            start = time.process_time()
            found = evaluate(pool, settings)
            rates.append(60 * questions * seeds / (time.process_time() - start))
    say(f"{found['mean_samples']:.1f} of 40 answers drawn: {spread(rates)} runs per CPU minute")


def generator(batch: int = 8, repeats: int = 9) -> None:
    """Generated tokens per second of one thread of the embedded generator."""
    from verifier_agent.embedded import EmbeddedChatModel, examples

    model = EmbeddedChatModel(seed=0)
    problems = examples(level=3, count=repeats + 1)
    rates = []
    for place, problem in enumerate(problems):
        start = time.thread_time()
        result = model.generate([[HumanMessage(problem.question)]], n=batch)
        seconds = time.thread_time() - start
        messages: Any = [generation.message for generation in result.generations[0]]  # type: ignore[union-attr]
        tokens = sum(message.usage_metadata["output_tokens"] for message in messages)
        if place:  # the first one loads the weights
            rates.append(tokens / seconds)
    say(f"batch {batch}: {spread(rates)} tokens per CPU second")


def scoring(samples: int = 16, repeats: int = 9) -> None:
    """CPU time of the reward model: beside the generator's, and of a new line beside all lines."""
    from verifier_agent.embedded import EmbeddedChatModel, EmbeddedRewardModel, examples
    from verifier_agent.embedded.judge import judge
    from verifier_agent.embedded.passages import KEPT_BYTES, Passages

    model, verifier = EmbeddedChatModel(seed=0), EmbeddedRewardModel()

    def timed(work: Callable[[], Any]) -> float:
        start = time.thread_time()
        work()
        return time.thread_time() - start

    def judged(question: str, texts: list[str], done: bool) -> float:
        candidates = [Candidate(id=str(n), text=text, done=done) for n, text in enumerate(texts)]
        return timed(lambda: verifier.verify_sync(Task(question=question), candidates))

    def ratios(question: str) -> tuple[float, float]:
        replies: list[str] = []

        def generate() -> None:
            (drawn,) = model.generate([[HumanMessage(question)]], n=samples).generations
            replies.extend(generation.text for generation in drawn)

        generating = timed(generate)
        steps = replies[0].splitlines()[:-1]
        judge().passages = Passages(KEPT_BYTES)
        scoring_all = judged(question, replies, done=True)
        judge().passages = Passages(KEPT_BYTES)
        full = judged(question, ["\n".join(steps)], done=False)
        judge().passages = Passages(KEPT_BYTES)
        judged(question, ["\n".join(steps[:-1])], done=False)
        return scoring_all / generating, judged(question, ["\n".join(steps)], done=False) / full

    for level in range(1, 6):
        problems = examples(level, repeats + 1)
        pairs = [ratios(problem.question) for problem in problems][1:]  # the first loads weights
        say(f"level {level}, {samples} chains, scored / generated: {spread([a for a, _ in pairs])}")
        say(f"level {level}, a chain's last step / all of it: {spread([b for _, b in pairs])}")
