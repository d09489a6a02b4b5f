"""Records: pictures and their annotations in one form, whatever format they came in."""
