"""What the next action is worth, for one question or among many."""
