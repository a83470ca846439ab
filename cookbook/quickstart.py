# %% [markdown]
# # Quickstart: spend compute where it pays
#
# An agent **generates** answers, has **verifiers** judge them, **revises** what is worth it and
# **selects** one, under a budget that holds. Everything here runs offline, on two small models
# that ship with the package: `pip install 'verifier-agent[embedded]'`.

# %%
from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.embedded import example

MODEL, VERIFIER = "embedded", "embedded-prm"  # the line to change: "openai:gpt-5-mini", "judge"

FORM = ("system", "Work step by step. End with a line of the form 'Answer: …'.")

easy, hard, hopeless = example(level=1, seed=3), example(level=3, seed=12), example(level=6, seed=4)
print(easy.question, "\n")
print(hard.question)

# %% [markdown]
# ## One policy, three questions
#
# The policy reads as it is written: draw up to 16 answers, four at a time, until they agree; or
# until it looks hopeless. Nobody tells the agent which question is which.

# %%
agent = create_verifier_agent(
    MODEL,
    verifier=VERIFIER,
    policy="until(sample(16, batch=4), agree(0.95) | hopeless(8, 0.05))",
    budget=Budget(calls=40),
    seed=1,
)


def ask(agent, question):
    return Run.of(agent.invoke({"messages": [FORM, ("user", question)]}))


ask(agent, easy.question)

# %% [markdown]
# Four answers agreed at once: nothing more was spent. The hard question gets what it can use:

# %%
ask(agent, hard.question)

# %% [markdown]
# And what is out of reach is given up early, and said so, instead of burning the whole budget:

# %%
ask(agent, hopeless.question)

# %% [markdown]
# The agent never saw the right answers; the generator of the questions knows them. And a vote share
# is a share of the votes, here weighed by their scores: it is no chance to be right. What makes it
# one is [calibration](../docs/calibration.md).

# %%
print("easy", easy.answer, "· hard", hard.answer, "· hopeless", hopeless.answer)

# %% [markdown]
# ## Judge every step, write anew from the first bad one
#
# The embedded reward model reads an answer line by line. A revision keeps the lines before the
# first one that is probably wrong, and writes the rest anew: `g0.r0` is a revision of `g0`.

# %%
reviser = create_verifier_agent(
    MODEL, verifier=VERIFIER, policy="revise(4, threshold=0.8)", selector="best", seed=5
)
run = ask(reviser, hard.question)
run

# %% [markdown]
# Every decision is kept in the record, with its reason and what was left of the budget:

# %%
for decision in run.decisions:
    action = decision["actions"][0]["action"]
    print(f"{decision['round']}. {action['kind']:<9} {action['reason']}")

# %% [markdown]
# ## A verifier is any function
#
# Of the task and a candidate: a yes or no, a number in [0, 1], or a whole `Verdict` with feedback.
# What it needs besides the question travels as `context`.


# %%
def within(task, candidate):
    return candidate.answer is not None and int(candidate.answer) <= task.context["most"]


bounded = create_verifier_agent(MODEL, verifier=within, policy="best_of(4)", seed=1)
settings = {"context": {"most": 67_000}, "budget": {"calls": 4}}
question = {"messages": [FORM, ("user", hard.question)]}
Run.of(bounded.invoke(question, {"configurable": {"verifier_agent": settings}}))

# %% [markdown]
# ## Where to go from here
#
# The agent is a compiled LangGraph graph: [a node in an app of yours](node_in_a_graph.ipynb). As a
# chat model it goes into [chains and structured output](chains_and_structured_output.ipynb), as
# middleware into [`create_agent`](create_agent_with_tools.ipynb).
