"""Facts of the papers as data, and the arithmetic over them. Pure Python: imports nothing."""
