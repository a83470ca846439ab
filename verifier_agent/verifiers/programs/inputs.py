"""What a program can be asked: the inputs that the tests of a task hold, and more like them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Task
from verifier_agent.verifiers.programs.entry_points import asked_of, entry_point_of
from verifier_agent.verifiers.programs.examples import examples_in
from verifier_agent.verifiers.programs.examples.signatures import signatures_in
from verifier_agent.verifiers.programs.generated_tests import weighed_tests
from verifier_agent.verifiers.programs.given_tests import given_tests
from verifier_agent.verifiers.programs.guesses import guesses
from verifier_agent.verifiers.programs.variations import Input, edges, variations
from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, is_literal, parse
from verifier_agent.verifiers.sandboxes.sandbox import CodeTest

MOST = 40
"""Inputs that are taken from tests."""


def calls_for(task: Task, count: int) -> list[str]:
    """Return calls of the function that a task asks for: those in its tests, and more like them.

    The tests are `context["tests"]`, the examples in the question and
    `context["generated_tests"]`; what they expect is not looked at. The others are these with
    boundary values and up to `count` variations; where there are none, inputs of all sorts for the
    parameters that the question shows. Empty where it shows none either. Raises ConfigurationError
    for an entry point that is no name.
    """
    tests = _tests(task, entry_point_of(task))
    name = asked_of(task, tests)
    found = [given for test in tests for given in _inputs(test, name)]
    known = list({repr(given): given for given in found}.values())[:MOST]
    if not known:
        signature = next((one for one in signatures_in(task.question) if one.name == name), None)
        if signature is None or signature.methodical:
            return []
        known = guesses(signature, MOST, seed=task.question)
    inputs = (*known, *edges(known), *variations(known, count, seed=task.question))
    return list(dict.fromkeys(f"{name}({', '.join(map(repr, given))})" for given in inputs))


def _tests(task: Task, entry_point: str | None) -> list[CodeTest]:
    tests = list(examples_in(task.question, entry_point))
    for read in (given_tests, _generated):
        # the verifiers that judge by them say what is wrong with them
        with suppress(ConfigurationError):
            tests += read(task)
    return tests


def _generated(task: Task) -> list[CodeTest]:
    return [test for test, _ in weighed_tests(task)]


def _inputs(test: CodeTest, name: str | None) -> Iterator[Input]:
    """Yield the inputs in a test of the function `name` whose values are all written out."""
    try:
        tree = parse(test.source)
    except Unparsable:
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=called), args=args, keywords=[]) if args:
                if called == name and all(map(is_literal, args)):
                    yield tuple(ast.literal_eval(one) for one in args)
