"""Running exported models with their format's runtime and NumPy: no TensorFlow, no Keras."""
