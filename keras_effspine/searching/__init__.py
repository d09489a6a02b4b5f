"""Learning where the computation of a network goes (3.3 of the paper)."""
