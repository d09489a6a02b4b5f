"""Image files: their bytes, their pixels, and which way up they are."""
