"""The command line: one file a verb. Heavy imports stand inside functions: help is quick."""
