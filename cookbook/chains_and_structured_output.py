# %% [markdown]
# # Chains and structured output
#
# `VerifiedChatModel` is a chat model: it goes wherever one goes. Each call is a run of its own:
# several candidates are drawn and judged, and the chosen one is the reply. Offline:
# `pip install 'verifier-agent[embedded,tools]'`.

# %%
import operator
import re

from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel
from stand_in import model, provider

from verifier_agent import VerifiedChatModel
from verifier_agent.embedded import example
from verifier_agent.models import resolve_model

MODEL, VERIFIER = "embedded", "embedded-prm"  # the line to change: "openai:gpt-5-mini", "judge"

problem = example(level=3, seed=12)
story, question = problem.question.rsplit(". ", 1)


def tell(message):
    found = message.response_metadata["verifier_agent"]
    print(f"{found['outcome']}: {found['reason']}")
    print(f"{found['basis']} {found['confidence']:.2f}, {found['calls']} calls")


# %% [markdown]
# ## `prompt | model | parser`
#
# The same chain with the plain model, and with a verified one, which draws four candidates, has a
# process reward model judge their steps, and replies with what is chosen. (The seed is
# one with which the plain model errs, as it often does on questions as long as this.)

# %%
FORM = ("system", "Work step by step. End with a line of the form 'Answer: …'.")
prompt = ChatPromptTemplate.from_messages([FORM, ("user", "{story}. {question}")])
asked = {"story": story, "question": question}

plain = resolve_model(MODEL)
verified = VerifiedChatModel(MODEL, verifier=VERIFIER, policy="best_of(4)", seed=7)
for name, chat in ("plain", plain.bind(seed=7)), ("verified", verified):
    print(f"{name:<9}", (prompt | chat | StrOutputParser()).invoke(asked).splitlines()[-1])
print("known    ", problem.answer)

# %% [markdown]
# The message is the model's own, and tells how it was found. Its usage is the true total of all
# candidates and judges, and a callback that counts sees it once.

# %%
counter = UsageMetadataCallbackHandler()
message = (prompt | verified).invoke(asked, {"callbacks": [counter]})
tell(message)
print("message ", message.usage_metadata["total_tokens"], "tokens")
(counted,) = counter.usage_metadata.values()
print("callback", counted["total_tokens"], "tokens")

# %% [markdown]
# Settings of a run can be given per call, or bound; `batch`, `with_retry` and `with_fallbacks` work
# as on any chat model. Here the easier question costs less:

# %%
quick = verified.bind(policy="until(sample(8, batch=2), agree(0.9))", budget={"calls": 16})
for message in quick.batch([example(level, seed=3).question for level in (1, 4)]):
    tell(message)

# %% [markdown]
# ## Structured output
#
# The embedded models read no schemas. A stand-in for a provider does: OpenAI's API on loopback,
# with the same small model behind it, which now and then leaves a field out
# ([stand_in.py](stand_in.py)). For a real one the line is `chat_model = "openai:gpt-5-mini"`.

# %%
server = provider()
chat_model = model(server)


class Count(BaseModel):
    """How many somebody has, and how that was worked out."""

    steps: list[str]
    count: int


voting = VerifiedChatModel(chat_model, verifier="agreement", policy="best_of(7)", seed=2)
voted = voting.with_structured_output(Count, method="json_schema", include_raw=True).invoke(
    problem.question
)
print(voted["parsed"].count, "known:", problem.answer)
tell(voted["raw"])

# %% [markdown]
# Whole objects are compared, and equal ones are votes for one answer. An object that does not fit
# the schema is proven wrong, at no cost. But votes can be few, and wrong, and a low share says so.
#
# Your own verifier reads the object, and can be as exact as its domain allows. This one works every
# step out again, and the policy draws until one answer passes:

# %%
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv}


def adds_up(task, candidate):
    for step in Count.model_validate_json(candidate.text).steps:
        left, sign, right, result = re.search(r"(\d+) ([-+*/]) (\d+) = (\d+)$", step).groups()
        if OPERATORS[sign](int(left), int(right)) != int(result):
            return False
    return True


proving = VerifiedChatModel(
    chat_model, verifier=adds_up, policy="until(sample(8), passed(0.9))", seed=2
)
before = server.calls, server.input_tokens + server.output_tokens
proven = proving.with_structured_output(Count, method="json_schema", include_raw=True).invoke(
    problem.question
)
print(proven["parsed"].count, "known:", problem.answer)
tell(proven["raw"])

# %% [markdown]
# What is reported is what the provider counted, exactly:

# %%
calls, tokens = server.calls, server.input_tokens + server.output_tokens
print("served  ", calls - before[0], "calls", tokens - before[1], "tokens")
used = proven["raw"].usage_metadata["total_tokens"]
print(
    "reported", proven["raw"].response_metadata["verifier_agent"]["calls"], "calls", used, "tokens"
)
