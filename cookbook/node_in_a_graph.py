# %% [markdown]
# # A verified answer inside a LangGraph app
#
# A warehouse: retrieve what the records say, answer from it with a verifier agent, act on the
# answer with a tool, and ask a person where it is not sure enough. The agent is a compiled graph,
# so it is added as a node like any other. Offline: `pip install 'verifier-agent[embedded]'`.

# %%
import re
from typing import TypedDict

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.accounts import MemoryAccount
from verifier_agent.embedded import example

MODEL, VERIFIER = "embedded", "embedded-prm"  # the line to change: "openai:gpt-5-mini", "judge"

# %% [markdown]
# ## Retrieval
#
# What is known of one person is told by another's count, so retrieval follows the names, and puts
# what it finds before the question (the same message id: it replaces the question).

# %%
FORM = ("system", "Work step by step. End with a line of the form 'Answer: …'.")

shells, apples = example(level=2, seed=0), example(level=6, seed=1)
RECORDS = [fact for p in (shells, apples) for fact in p.question.split(". ")[:-1]]
QUESTIONS = [p.question.split(". ")[-1] for p in (shells, apples)]


def retrieve(state):
    question = state["messages"][-1]
    thing, person = re.search(r"How many (\w+) does (\w+) have", question.text).groups()
    found = []
    while fact := next((f for f in RECORDS if f.startswith(f"{person} has") and thing in f), ""):
        found.insert(0, fact)
        person = fact.split()[-1]
    return {"messages": [HumanMessage(". ".join([*found, question.text]), id=question.id)]}


print(f"{len(RECORDS)} records, {' and '.join(QUESTIONS)}")
print(retrieve({"messages": [HumanMessage(QUESTIONS[0])]})["messages"][0].text)

# %% [markdown]
# ## The app
#
# The state has the key `verifier_agent`, so the record of the run comes back with the answer, and
# the edge behind it can read how sure the agent is.


# %%
class Warehouse(MessagesState):
    verifier_agent: dict  # the agent's record
    shipped: str


@tool
def ship(count: int) -> str:
    """Ship so many pieces."""
    return f"{count} pieces are on their way"


def act(state):
    count = re.search(r"Answer: (\d+)", state["messages"][-1].text).group(1)
    return {"shipped": ship.invoke({"count": int(count)})}


def person(state):
    run = Run.of(state)
    told = interrupt({"draft": run.selection.answer, "because": run.selection.reason})
    return {"messages": [AIMessage(f"Answer: {told}")]}


def sure(state):
    return "act" if Run.of(state).selection.outcome != "gave_up" else "person"


solver = create_verifier_agent(
    MODEL,
    verifier=VERIFIER,
    policy="until(sample(12, batch=4), passed(0.9) | hopeless(8, 0.05))",
    selector="best",
    budget=Budget(calls=40),
    seed=1,
)

app = StateGraph(Warehouse)
app.add_node("retrieve", retrieve)
app.add_node("solve", solver)  # that is all
app.add_node("person", person)
app.add_node("act", act)
app.add_edge(START, "retrieve")
app.add_edge("retrieve", "solve")
app.add_conditional_edges("solve", sure, ["act", "person"])
app.add_edge("person", "act")
app.add_edge("act", END)
warehouse = app.compile(checkpointer=InMemorySaver())

# %% [markdown]
# The question that four answers settle is acted upon at once:

# %%
thread = {"configurable": {"thread_id": "shells"}}
result = warehouse.invoke({"messages": [FORM, ("user", QUESTIONS[0])]}, thread)
print(result["shipped"])
Run.of(result)

# %% [markdown]
# The one that is beyond the model is not. The agent gives it up early, and the app waits for a
# person, as long as it takes: the run is in the checkpointer.

# %%
thread = {"configurable": {"thread_id": "apples"}}
waiting = warehouse.invoke({"messages": [FORM, ("user", QUESTIONS[1])]}, thread)
waiting["__interrupt__"][0].value

# %%
result = warehouse.invoke(Command(resume=apples.answer), thread)
print(result["shipped"])
Run.of(result)

# %% [markdown]
# ## Watching it work
#
# The agent tells what it does as custom events; `subgraphs=True` passes them on. What is only tried
# is never streamed as a message.

# %%
thread = {"configurable": {"thread_id": "again"}}
question = {"messages": [FORM, ("user", QUESTIONS[0])]}
for path, mode, part in warehouse.stream(
    question, thread, stream_mode=["custom", "messages"], subgraphs=True
):
    node = path[0].split(":")[0] if path else "app"
    if mode == "messages":
        print(f"{node}: the answer, {part[0].text.splitlines()[-1]}")
    elif part["verifier_agent"] == "verdict":
        print(f"{node}: {part['verdict']['candidate']} scores {part['verdict']['score']:.2f}")
    else:
        print(f"{node}: {part['verifier_agent']}")

# %% [markdown]
# ## Another state, and one account for all
#
# Where the parent's state looks different, call the agent inside a node of yours and keep what you
# need. An account given to the parent pays for every agent inside it, whoever asks first.


# %%
class Order(TypedDict):
    question: str
    count: str
    confidence: float


def count(state, config):
    (found,) = retrieve({"messages": [HumanMessage(state["question"])]})["messages"]
    selection = Run.of(solver.invoke({"messages": [FORM, found]}, config)).selection
    return {"count": selection.answer, "confidence": round(selection.confidence, 3)}


orders = StateGraph(Order).add_node("count", count).add_edge(START, "count").compile()

account = MemoryAccount(Budget(calls=12))
paid = {"configurable": {"verifier_agent": {"account": account}}}
for question in QUESTIONS:
    print(orders.invoke({"question": question}, paid))
    print(f"  the account has {account.remaining().calls:g} calls left")
