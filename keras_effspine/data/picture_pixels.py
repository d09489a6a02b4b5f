"""The former name of `data.images.image_pixels`, by which scripts outside of the package read."""

from keras_effspine.data.images.image_pixels import read_image as read_picture

__all__ = ["read_picture"]
