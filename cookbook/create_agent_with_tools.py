# %% [markdown]
# # `create_agent` with tools: every turn verified, one budget for all
#
# `VerifierMiddleware` makes each model call of a langchain agent a run of its own, under one budget
# for the whole agent. Offline: `pip install 'verifier-agent[embedded,agents]'`.

# %%
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from stand_in import model, provider

from verifier_agent import Budget, Run, VerifiedChatModel, VerifierMiddleware
from verifier_agent.embedded import example

# a provider's API on loopback, with the embedded model behind it: it uses tools, not always well;
# the verifier works out every step again
server = provider()
chat_model, VERIFIER = model(server), "arithmetic"  # to change: "openai:gpt-5-mini", "judge"

# %% [markdown]
# ## An agent with a tool
#
# The tool knows the records; the model has to call it, and then to work out the answer.

# %%
problem = example(level=3, seed=12)
records, question = problem.question.rsplit(". ", 1)


@tool
def look_up(person: str) -> str:
    """Look up what is recorded about a person."""
    return f"{records}."


middleware = VerifierMiddleware(
    verifier=VERIFIER,
    policy="best_of(4)",
    budget=Budget(calls=24),  # of the whole run of the agent
    tool_calls="vote",  # a turn that calls tools: equal calls are counted
    seed=0,
)
agent = create_agent(chat_model, [look_up], middleware=[middleware])
result = agent.invoke({"messages": [("user", question)]})
for message in result["messages"]:
    print(f"{message.type:>5}:", message.text or message.tool_calls[0]["args"])

# %% [markdown]
# The record of the last turn, in which the answer was worked out:

# %%
Run.of(result)

# %% [markdown]
# In the turn before, calls were drawn and counted. One with a wrong argument does not fit the
# schema of the tool: it is proven wrong for free, and never made.
#
# What the messages report is what the provider served, exactly:

# %%
for message in result["messages"]:
    if message.type == "ai":
        found = message.response_metadata["verifier_agent"]
        print(f"{found['calls']} calls, {message.usage_metadata['total_tokens']} tokens:", end=" ")
        print(found["reason"])
print(f"served: {server.calls} calls, {server.input_tokens + server.output_tokens} tokens")

# %% [markdown]
# ## A person approves, and the run goes on
#
# Other middleware works beside it. The approval of the tool call waits in the checkpointer; what
# was paid before it is not paid again.

# %%
careful = create_agent(
    chat_model,
    [look_up],
    middleware=[HumanInTheLoopMiddleware(interrupt_on={"look_up": True}), middleware],
    checkpointer=InMemorySaver(),
)
thread = {"configurable": {"thread_id": "1"}}
served = server.calls
waiting = careful.invoke({"messages": [("user", question)]}, thread)
request = waiting["__interrupt__"][0].value["action_requests"][0]
print(f"after {server.calls - served} calls: may I {request['name']}({request['args']})?")

# %%
approved = Command(resume={"decisions": [{"type": "approve"}]})
result = careful.invoke(approved, thread)
print(f"after {server.calls - served} calls: {result['messages'][-1].text.splitlines()[-1]}")

# %% [markdown]
# ## The budget is that of the whole run
#
# Whatever the policy asks for: with five calls there are five requests at most, and the agent ends
# with the best it has.

# %%
thrifty = VerifierMiddleware(
    verifier=VERIFIER, policy="best_of(4)", budget=Budget(calls=5), tool_calls="vote", seed=0
)
served = server.calls
result = create_agent(chat_model, [look_up], middleware=[thrifty]).invoke(
    {"messages": [("user", question)]}
)
print(result["messages"][-1].text.splitlines()[-1], f"({server.calls - served} calls)")

# %% [markdown]
# ## As the agent's model
#
# The same without middleware: a chat model that verifies. Then each turn has a budget of its own.

# %%
chat = VerifiedChatModel(chat_model, verifier=VERIFIER, policy="best_of(4)", seed=0)
result = create_agent(chat, [look_up]).invoke({"messages": [("user", question)]})
print(result["messages"][-1].text.splitlines()[-1], "known:", problem.answer)
