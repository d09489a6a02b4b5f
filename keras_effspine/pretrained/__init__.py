"""What a name stands for: presets, handles, run folders and saved models."""
