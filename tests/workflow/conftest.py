"""Fixtures of this folder."""

from exported_files import exported  # noqa: F401 (fixture)
