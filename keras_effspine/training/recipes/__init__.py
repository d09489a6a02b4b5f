"""The recipes that the package brings: one file each, with its command and what came of it."""
