"""Sections of docs/benchmarks.md that benches write themselves, between two comments."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
WIDTH = 100
"""Of the lines of text."""


def write_section(name: str, text: str) -> None:
    """Replace what stands between the comments `name` and "end of name"."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    document = DOCS / "benchmarks.md"
    before, found, rest = document.read_text().partition(begin)
    if not found or end not in rest:
        raise SystemExit(f"{document} has no section {name!r}: {begin.strip()} … {end}")
    document.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}")
