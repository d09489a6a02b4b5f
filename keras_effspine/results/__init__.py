"""What a model says of a picture, as objects: shown, counted, cut out, and written for others."""
