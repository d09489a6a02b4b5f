"""Predictions and annotations drawn on pictures."""
