"""Outputs of the tasks, their evaluators, one a task, and what they measure."""
