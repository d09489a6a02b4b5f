"""What a model costs, counted from its graph, beside what the paper says it costs."""

from keras_effspine.profiling.profile import LayerCost, Profile
from keras_effspine.profiling.profile_model import profile_model

__all__ = ["LayerCost", "Profile", "profile_model"]
