"""The exported files that the tests of this folder share."""

from exported_files import *  # noqa: F403 (fixtures)
