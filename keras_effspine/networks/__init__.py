"""Graphs as functions from tensors to named tensors. Plain Keras, on any backend."""
