"""The stream of batches: pictures decoded, augmented and batched by tf.data."""
