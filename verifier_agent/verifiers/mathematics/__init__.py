"""Programs that judge mathematics: arithmetic, algebra, equivalence, what cannot be an answer."""
