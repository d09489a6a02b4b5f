"""Moving pictures: frames in, annotated video or JSON lines out, objects followed."""
