"""Answers held to what is formal: a schema, a solver's constraints, a checker of proofs."""
