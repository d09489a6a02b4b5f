"""The calls that programs and verbs make: look at data, train, measure, predict."""
