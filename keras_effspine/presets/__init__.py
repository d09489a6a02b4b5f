"""Presets: one folder each, with `config.json`, `metadata.json` and, once trained, weights."""
