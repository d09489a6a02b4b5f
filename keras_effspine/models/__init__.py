"""The public classes, as subclasses of keras-cv's."""
