"""A look through a data set before any training: what is broken, dropped, doubled or odd."""
