"""The models that the tests of this folder share."""

from tiny_models import *  # noqa: F403 (fixtures)
