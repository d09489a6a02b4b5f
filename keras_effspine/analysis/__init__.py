"""A closer look at a measurement: what goes wrong, how often, and where."""
