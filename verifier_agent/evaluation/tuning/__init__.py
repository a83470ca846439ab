"""A policy learned on recorded answers."""
