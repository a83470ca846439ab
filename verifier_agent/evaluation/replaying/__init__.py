"""Policies on recorded answers: no model is called."""
