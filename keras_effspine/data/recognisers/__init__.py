"""Each format says whether a file or folder is its own.

A module has `KNOWN`, which says in words what it takes, and `recognise(place)`, which gives the
`Source` of a `Place`, or None where it is another's. Where it is its own but something is missing,
it raises a `DataError` that says what. What the readers of a format import is loaded with them.
"""
