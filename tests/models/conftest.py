"""The models that the tests of this folder share."""

from exported_files import exported  # noqa: F401 (fixture)
from tiny_models import *  # noqa: F403 (fixtures)
