"""Policies that grow answers step by step."""
