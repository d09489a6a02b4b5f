"""Readers and writers, one a format."""
