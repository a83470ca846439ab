"""What a worker for constraints runs: values against constraints, by z3. See `worker.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = dict[str, Any]


def answering() -> Callable[[Answer], Answer]:
    """Answer {"declared", "constraints", "objectives", "values", "milliseconds"}, all SMT-LIB.

    - {"violated": [i, …]}: these constraints contradict the values, each by itself.
    - {"conflict": [i, …]}: these contradict them together: an unsatisfiable core.
    - {"better": i, "got": text}: all hold, but objective i can be better than it is.
    - {"holds": true}, or {"unknown": why}.
    """
    import z3

    def answer(asked: Answer) -> Answer:
        def read(text: str) -> Any:
            return z3.And(*z3.parse_smt2_string(f"{asked['declared']}\n{text}"))

        values = [read(text) for text in asked["values"]]
        constraints = [read(text) for text in asked["constraints"]]
        solver = z3.Solver()
        solver.set("timeout", asked["milliseconds"])
        solver.set("core.minimize", True)
        solver.add(*values)
        violated = []
        for number, constraint in enumerate(constraints):
            solver.push()
            solver.add(constraint)
            if solver.check() == z3.unsat:
                violated.append(number)
            solver.pop()
        if violated:
            return {"violated": violated}
        for number, constraint in enumerate(constraints):
            solver.assert_and_track(constraint, f"constraint!{number}")
        found = solver.check()
        if found == z3.unknown:
            return {"unknown": solver.reason_unknown()}
        if found == z3.unsat:
            core = [str(name).rpartition("!")[2] for name in solver.unsat_core()]
            return {"conflict": sorted(map(int, core))}
        nonzero = [divisor != 0 for divisor in divisors(z3, constraints)]
        if nonzero and solver.check(*nonzero) != z3.sat:
            return {"unknown": "it may hold only because something is divided by zero"}
        return best(asked, values, constraints, nonzero) if asked["objectives"] else {"holds": True}

    def best(
        asked: Answer, values: list[Any], constraints: list[Any], nonzero: list[Any]
    ) -> Answer:
        named = z3.Optimize()
        named.from_string("\n".join((asked["declared"], *asked["objectives"])))
        objectives = named.objectives()  # what is to be largest comes as its negative
        given = z3.Optimize()
        given.set("timeout", asked["milliseconds"])
        given.add(*values, *constraints)
        for objective in objectives:
            given.minimize(objective)
        if given.check() != z3.sat:
            return {"unknown": f"how good it is: {given.reason_unknown()}"}
        reached = [given.model().eval(objective, model_completion=True) for objective in objectives]
        free = z3.Solver()
        free.set("timeout", asked["milliseconds"])
        free.add(*constraints)
        for number, (objective, value) in enumerate(zip(objectives, reached, strict=True)):
            free.push()
            free.add(objective < value)
            found = free.check()
            if found == z3.sat and nonzero and free.check(*nonzero) != z3.sat:
                found = z3.unknown
            free.pop()
            if found == z3.unknown:
                return {"unknown": f"whether it is best: {free.reason_unknown()}"}
            if found == z3.sat:
                return {"better": number}
            free.add(objective == value)
        return {"holds": True}

    return answer


def divisors(z3: Any, constraints: list[Any]) -> list[Any]:
    """Return what is divided by, outside quantifiers.

    SMT-LIB gives x / 0 a value that nobody knows, so that a solver may choose one that fits.
    """
    divisions = (z3.Z3_OP_DIV, z3.Z3_OP_IDIV, z3.Z3_OP_MOD, z3.Z3_OP_REM)
    found, waiting, known = [], [*constraints], set()
    while waiting:
        one = waiting.pop()
        if one.get_id() not in known and z3.is_app(one):
            known.add(one.get_id())
            waiting += one.children()
            if one.decl().kind() in divisions:
                found.append(one.arg(1))
    return found
