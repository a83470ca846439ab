"""Recipes of the embedded models: train, export and evaluate them again from nothing."""
