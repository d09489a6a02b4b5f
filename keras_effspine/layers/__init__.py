"""Layers in plain Keras: no keras-cv, and TensorFlow only where a replica context is asked for."""
