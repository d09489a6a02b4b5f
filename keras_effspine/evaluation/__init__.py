"""Evaluators, one a task, and what they measure."""
