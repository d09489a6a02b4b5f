"""Google's checkpoints of SpineNet detectors, turned into presets."""
