"""Algorithms that choose candidates by the scores of earlier ones."""
