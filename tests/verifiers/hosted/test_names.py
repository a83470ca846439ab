"""A hosted reward model as text: read as what it says, written as it is read, or refused."""

from __future__ import annotations

import pytest

from verifier_agent.errors import ConfigurationError
from verifier_agent.verifiers import HostedRewardModel, resolve_verifiers
from verifier_agent.verifiers.hosted.names import named_reward_model, written
from verifier_agent.verifiers.hosted.reading import Reading
from verifier_agent.verifiers.local import PRMSpec, TokenPair

URL = "http://localhost:8000"


def test_a_name_in_text_is_the_same_reward_model() -> None:
    text = (
        "hosted:score:http://localhost:8000/v1?dialect=sglang&model=a/b&template={question}%0A"
        "{answer}&label_token_ids=648,387&batch=4&concurrency=2&attempts=1&seconds=2.5&name=mine"
    )
    (one,) = resolve_verifiers(text, model=None)  # type: ignore[arg-type]
    assert isinstance(one, HostedRewardModel)
    assert (one.url, one.wire.dialect, one.name) == (URL, "sglang", "mine")
    assert (one.batch, one.concurrency, one.attempts, one.seconds) == (4, 2, 1, 2.5)
    assert one.reading == Reading(
        spec=PRMSpec(layout="chat", read="end", readout=TokenPair(good="good", bad="bad")),
        model="a/b",
        template="{question}\n{answer}",
        label_token_ids=(648, 387),
    )


def test_a_range_and_a_key_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REWARD_KEY", "s3cr3t")
    one = named_reward_model(f"chat_reward:{URL}?model=m&scale=0..4&key_env=REWARD_KEY")
    assert one.reading.bounds == (0.0, 4.0)
    assert "s3cr3t" not in repr(vars(one))


def test_what_is_written_of_a_wires_settings_is_read_as_the_same() -> None:
    settings = {
        "dialect": "sglang",
        "template": "Q: {question}\nA: {answer} 100 % & more",
        "label_token_ids": (648, 387),
        "step_token_id": 7,
    }
    one = named_reward_model(written("score", URL, settings).removeprefix("hosted:"))
    assert one.wire.dialect == "sglang"
    assert one.reading.template == settings["template"]
    assert one.reading.label_token_ids == (648, 387)
    assert one.reading.step_token_id == 7
    ranged = written("chat_reward", URL, {"model": "a/b", "scale": (-1.5, 4)})
    assert named_reward_model(ranged.removeprefix("hosted:")).reading.bounds == (-1.5, 4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hosted:", "write hosted:WIRE:URL"),
        ("hosted:clasify:http://localhost", "did you mean 'classify'"),
        (f"hosted:classify:{URL}?scale=logit&scale=logit", "scale is given twice"),
        (f"hosted:classify:{URL}?scal=logit", "did you mean 'scale'"),
        (f"hosted:classify:{URL}?scale=logit&batch=x", "batch='x' is no number"),
        (f"hosted:classify:{URL}?scale=a..b", "is no number"),
        (f"hosted:classify:{URL}?scale", "bad query"),
        (f"hosted:classify:{URL}?scale=logit&key_env=NO_SUCH_KEY", "'NO_SUCH_KEY' is not set"),
        (f"hosted:classify:{URL}", "say what its numbers are"),
    ],
)
def test_a_name_that_cannot_be_says_why(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_verifiers(text, model=None)  # type: ignore[arg-type]
    assert told in str(caught.value)
