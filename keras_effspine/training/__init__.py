"""Recipes, the run folder, and the fit loop. Knows tasks only by their contract."""
