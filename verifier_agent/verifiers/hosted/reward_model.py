"""A reward model behind a server, in whichever of the formats it speaks."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from langchain_core.messages import BaseMessage, HumanMessage, messages_from_dict
from pydantic import SecretStr

from verifier_agent.aggregation import aggregate
from verifier_agent.budget import times
from verifier_agent.errors import ConfigurationError, UnreadableVerdict, VerificationError
from verifier_agent.models import Margins, input_bound, text_bound
from verifier_agent.models.background import begin, wait_for
from verifier_agent.models.openai_client import Connection, Server
from verifier_agent.models.openai_wire import encodable, write_messages
from verifier_agent.values import Candidate, Cost, Task, Verdict
from verifier_agent.verifiers.conversation import beyond_text
from verifier_agent.verifiers.hosted.exchange import exchange, shares
from verifier_agent.verifiers.hosted.reading import Asked, Reading, asked
from verifier_agent.verifiers.hosted.rows import Row, truncated
from verifier_agent.verifiers.hosted.settings import root_of, spec_of
from verifier_agent.verifiers.hosted.wires import WireName, find_wire
from verifier_agent.verifiers.judges.interview import check_counts
from verifier_agent.verifiers.judges.prompts import ENGLISH, Wording
from verifier_agent.verifiers.judges.showing import Stage
from verifier_agent.verifiers.local.presets import preset
from verifier_agent.verifiers.local.readout import first_doubt
from verifier_agent.verifiers.local.spec import PRMSpec, Scale

SPOKEN = 64
"""Tokens that a server may say in a chat reply whose length it sets itself: attributes."""
DIGITS = 20
"""The most digits of a step's number."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One candidate that is asked about."""

    candidate: Candidate
    asked: Asked
    most: Cost
    """Of one attempt."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where requests go out: the client of an event loop, and how many it may have under way."""

    connection: Connection
    room: asyncio.Semaphore


class HostedRewardModel:
    """Score candidates by a reward model behind a server.

    score: the reward by its scale, in [0, 1]; no probability of being right until it is calibrated.
    raw: the reward itself, in the model's own unit. With a spec that reads marks the model is a
    process reward model: steps: a score for each step; score: these, aggregated; evidence["raw"]:
    their rewards. Every reply is checked (counts, indices, rows of steps, finite numbers, the
    scale): what does not fit is a verdict with an error, never a score.

    What servers read as control tokens, and the mark itself, lose their meaning inside of texts.
    Only text is judged: for images each verdict is an error, and nothing is sent. All requests go
    through the package's own event loop, whoever asks, so that `concurrency` holds over all
    threads, event loops and runs that share this object.

    Args:
        url: Of the server; its root, with or without "/v1".
        wire: The format: "pooling", "classify", "rerank", "score", "chat_reward", "chat_logprob".
        dialect: Whose form of it: "vllm", "sglang", "tei", "llama.cpp", …; None: the first that
            `WIRES` lists for the wire.
        model: The model's name, where the server wants one. It is also the name in price tables.
        spec: How the model is read, or the name of a preset: the same as of `LocalRewardModel`.
        scale: In place of a spec, for a model that gives one number for a whole answer: what that
            is. "logit": any number; "probability"; "signed": -1 to 1; or the lowest and the
            highest, (0, 4). Said by nobody else, so never guessed.
        label: With scale="probability" or "signed": which of several labels means good.
        template: Question and answer as one text, for servers that apply no chat template:
            "<|user|>{question}<|assistant|>{answer}".
        attribute: Which of several named values is the reward: of `chat_reward`, or a label of TEI.
        label_token_ids: The tokens of a good and of a bad answer, for `score`.
        step_token_id: The number of the mark, where the server finds steps by it.
        wording: What `chat_logprob` asks: its text `decide`.
        api_key: Sent as a bearer token.
        batch: The most answers in one request. A conversation is always sent alone.
        concurrency: The most requests under way at once.
        attempts: Requests at most where one failed on the way; a server's Retry-After is honoured.
            Answers of a batch that is turned down are then asked about one by one.
        seconds: For one attempt, from its beginning to the last byte.
        name: The verifier's name in the record.

    Raises:
        ConfigurationError: An argument is wrong, or the model cannot be read on this wire.
    """

    hard = False
    relational = False
    per_candidate = False

    def __init__(
        self,
        url: str,
        *,
        wire: WireName,
        dialect: str | None = None,
        model: str = "",
        spec: PRMSpec | str | None = None,
        scale: Scale | tuple[float, float] | None = None,
        label: int | None = None,
        template: str = "",
        attribute: str = "",
        label_token_ids: Sequence[int] = (),
        step_token_id: int | None = None,
        wording: Wording = ENGLISH,
        api_key: str | SecretStr | None = None,
        batch: int = 16,
        concurrency: int = 8,
        attempts: int = 3,
        seconds: float = 60.0,
        name: str = "reward",
    ) -> None:
        self.wire = find_wire(wire, dialect)
        self.url = root_of(url)
        self.reading = Reading(
            spec=spec_of(self.wire, preset(spec) if isinstance(spec, str) else spec, scale, label),
            model=model,
            template=template,
            bounds=scale if isinstance(scale, tuple) else None,
            attribute=attribute,
            label_token_ids=tuple(label_token_ids),
            step_token_id=step_token_id,
        )
        self.wire.check(self.reading)
        check_counts("reward", batch=batch, concurrency=concurrency, attempts=attempts)
        if not (math.isfinite(seconds) and seconds > 0):
            raise ConfigurationError(f"reward seconds={seconds!r}: a number above 0")
        self.batch = batch if self.wire.many(self.reading) else 1
        self.concurrency, self.attempts, self.seconds = concurrency, attempts, seconds
        self.name = name
        key = SecretStr(api_key) if isinstance(api_key, str) else api_key
        self._server = Server(
            base_url=self.url,
            api_key=key or SecretStr("none"),
            headers=(),
            timeout=seconds,
            max_retries=0,  # tenacity is in charge, and counts
        )
        secret = secrets.token_bytes(16)
        self._stage = Stage(wording=wording, criteria=wording.criteria, secret=secret)
        self._places: dict[asyncio.AbstractEventLoop, _Place] = {}

    @property
    def model_name(self) -> str | None:
        """The model that is paid for, as in price tables."""
        return self.reading.model or self.name

    def bound(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that scoring one candidate of so many bytes can cost, with retries."""
        if beyond_text(task):
            return Cost()
        alone = Cost(calls=1 if self.batch > 1 else 0)
        return times(self._most(task, candidate_bytes), self.attempts) + alone

    def _most(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that one request can cost about a candidate."""
        spec = self.reading.spec
        steps = candidate_bytes // 2 + 1 if spec.marked else 1
        # a mark is one token, else no server would find it
        per_step = text_bound(spec.joint + spec.step.replace("{step}", "")) + 1
        per_step += DIGITS if "{number}" in spec.step else 0
        shown = input_bound(self._conversation(task, ""), margins=Margins()) or 0
        around = text_bound(self.reading.template + spec.question + (spec.system or ""))
        return Cost(
            calls=1,
            input_tokens=shown + candidate_bytes + steps * per_step + around + Margins().message,
            output_tokens={"chat_reward": SPOKEN, "chat_logprob": 1}.get(self.wire.name, 0),
            usd=None,
        )

    def _conversation(self, task: Task, text: str) -> list[BaseMessage]:
        """Return the messages that stand before the answer, or that hold it."""
        if self.wire.name == "chat_logprob":
            return self._stage.messages("decide", task, [("ANSWER", text)])
        return messages_from_dict(list(task.messages)) or [HumanMessage(task.question)]

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Score all candidates: in batches where the wire takes them, side by side."""
        return await asyncio.wrap_future(begin(self._verify(task, candidates)))

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """As `verify`, for callers without an event loop."""
        return wait_for(self._verify(task, candidates))

    async def _verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        unseen = beyond_text(task, "a reward model")
        verdicts: list[Verdict | None] = []
        items: list[_Item] = []
        for candidate in candidates:
            one = None if unseen else self._asked(task, candidate)
            verdicts.append(
                None if one else self._failed(candidate, unseen or "nothing to judge", Cost())
            )
            if one:
                most = self._most(task, text_bound(candidate.text))
                items.append(_Item(candidate, one, most))
        batches = [items[at : at + self.batch] for at in range(0, len(items), self.batch)]
        said = await asyncio.gather(*(self._judge(batch, self.attempts) for batch in batches))
        found = iter([verdict for judged in said for verdict in judged])
        return [verdict or next(found) for verdict in verdicts]

    def _asked(self, task: Task, candidate: Candidate) -> Asked | None:
        """Return what is sent about a candidate; None if it has no text."""
        one = None if candidate.error is not None else asked(task, candidate.text, self.reading)
        if one is not None and self.wire.name == "chat_logprob":
            messages = write_messages(self._conversation(task, candidate.text))
            return replace(one, messages=messages)
        return one

    async def _judge(self, items: Sequence[_Item], attempts: int) -> list[Verdict]:
        """Score what fits into a request; if it is turned down, each answer by itself."""
        sent = [item.asked for item in items]
        body = encodable(self.wire.write(self.reading, sent))
        most = Cost.total(item.most for item in items)
        place = self._place()
        async with place.room:
            came = await exchange(
                lambda: place.connection.post(self.url + self.wire.route, body),
                attempts=attempts,
                seconds=self.seconds,
                most=replace(most, calls=1),
            )
        costs = shares(came.cost, [item.most for item in items])
        if came.refused and len(items) > 1:  # one text that is too long must not cost the others
            rest = max(1, attempts - came.cost.calls)
            alone = await asyncio.gather(*(self._judge([item], rest) for item in items))
            return [
                replace(verdict, cost=verdict.cost + cost)
                for (verdict,), cost in zip(alone, costs, strict=True)
            ]
        try:
            if came.error is not None:
                raise came.error
            if cut := truncated(came.reply):
                raise UnreadableVerdict(f"the server did not read the whole text: {cut}")
            rows = self.wire.read(came.reply, self.reading, sent)
        except VerificationError as error:
            why = f"{type(error).__name__}: {error}"
            return [
                self._failed(item.candidate, why, cost)
                for item, cost in zip(items, costs, strict=True)
            ]
        return [
            self._verdict(item, row, cost)
            for item, row, cost in zip(items, rows, costs, strict=True)
        ]

    def _place(self) -> _Place:
        """Return what all requests go through; a forked process has a loop of its own."""
        loop = asyncio.get_running_loop()
        if loop not in self._places:
            place = _Place(Connection(self._server), asyncio.Semaphore(self.concurrency))
            self._places = {loop: place}
        return self._places[loop]

    def _verdict(self, item: _Item, row: Row, cost: Cost) -> Verdict:
        candidate, spec, by_steps = item.candidate, self.reading.spec, self.reading.by_steps
        activated = self.reading.activated if self.wire.activated is None else self.wire.activated
        try:
            if isinstance(row, UnreadableVerdict):
                raise row
            raw = [self.reading.raw(vector, activated=activated) for vector in row]
            scores = tuple(self.reading.unit(value) for value in raw)
        except UnreadableVerdict as error:
            return self._failed(candidate, f"{type(error).__name__}: {error}", cost)
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=aggregate(scores, spec.aggregate) if by_steps else scores[0],
            raw=raw[0] if len(raw) == 1 else None,
            steps=scores if by_steps else (),
            feedback=first_doubt(spec, candidate.text, scores) if by_steps else "",
            evidence={
                "raw": raw,
                "scale": self.reading.scale,
                "wire": self.wire.name,
                "dialect": self.wire.dialect,
                "model": self.reading.model,
            },
            cost=cost,
        )

    def _failed(self, candidate: Candidate, why: str, cost: Cost) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, error=why, cost=cost)
