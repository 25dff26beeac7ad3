"""Finding a target sentence: compiled greedy and beam search over any step function."""
