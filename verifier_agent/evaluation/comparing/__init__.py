"""A small model with more compute against a large one, at equal cost."""
