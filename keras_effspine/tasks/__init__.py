"""Tasks: each file holds what training, evaluation and prediction need to know of one task."""
