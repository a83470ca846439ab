"""From the text of an answer to the key that votes are counted by: equal answers, equal keys.

`answer_key` is what an agent uses by default; the others are for `answer=` of
`create_verifier_agent`, which takes any function from a text to a key or None. Calls of tools are
compared by `tool_calls_key` whatever the function.
"""

from verifier_agent.answers.canonical import canonical
from verifier_agent.answers.kinds import ChoiceKey, number_key
from verifier_agent.answers.stated import answer_key, last_line_key, stated_answer
from verifier_agent.answers.structured import json_key, tool_calls_key

__all__ = [
    "ChoiceKey",
    "answer_key",
    "canonical",
    "json_key",
    "last_line_key",
    "number_key",
    "stated_answer",
    "tool_calls_key",
]
