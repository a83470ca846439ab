"""A walk over everything that can be reached from what a policy, verifier or selector is given."""

from __future__ import annotations

import gc
import types

from verifier_agent.evaluation import Entry, Question, Sample

GOLD = "the-gold-that-nobody-may-see"


class Spy:
    """Looks at everything that can be reached from what it is given, and remembers labels."""

    def __init__(self) -> None:
        self.looked = 0
        self.labels: list[object] = []
        self.sizes: list[int] = []

    def look(self, *given: object) -> None:
        self.looked += 1
        seen: set[int] = set()
        waiting = list(given)
        while waiting:
            thing = waiting.pop()
            # modules and code lead to the whole interpreter; frames to the scorer's own
            if id(thing) in seen or isinstance(
                thing, types.ModuleType | types.FrameType | types.CodeType | Spy | type
            ):
                continue
            seen.add(id(thing))
            if (
                isinstance(thing, Entry | Question | Sample)
                or (isinstance(thing, str) and GOLD in thing)
                or (isinstance(thing, dict) and {"gold", "correct"} & set(map(str, thing)))
            ):
                self.labels.append(thing)
            if isinstance(thing, types.FunctionType):
                # a function's globals are its module
                waiting += [cell.cell_contents for cell in thing.__closure__ or ()]
                continue
            waiting += gc.get_referents(thing)
        self.sizes.append(len(seen))
