"""A first training step that is traced once."""

import concurrent.futures

import keras


class TracedOnce:
    """Makes the variables of optimizer, losses and metrics before the first step is traced.

    Outside of a strategy's scope Keras' `fit` leaves it to the first step to make them. TensorFlow
    traces a function anew that has made variables, and a step of these networks takes it half a
    minute each time.
    """

    _made = frozenset()
    """Whose variables have been made since the model was compiled: "loss" and "metrics"."""

    def make_train_function(self, force=False):
        if self.train_function is None or force:  # as after compile()
            self._made = frozenset()
        return super().make_train_function(force)

    def train_step(self, *args):
        if _is_traced_alone() and not self.optimizer.built:
            _outside_of_the_trace(self.optimizer.build, self.trainable_variables)
        return super().train_step(*args)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
        def compute(y, y_pred, sample_weight):
            keras.Model.compute_loss(self, None, y, y_pred, sample_weight, **kwargs)

        self._make_variables_of(compute, "loss", y, y_pred, sample_weight)
        return keras.Model.compute_loss(self, x, y, y_pred, sample_weight, **kwargs)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        def compute(y, y_pred, sample_weight):
            keras.Model.compute_metrics(self, None, y, y_pred, sample_weight)

        if not isinstance(y_pred, dict):  # metrics of detections bring their variables along
            self._make_variables_of(compute, "metrics", y, y_pred, sample_weight)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def _make_variables_of(self, compute, what, *tensors):
        """Computes it on zeros of the same shapes, outside of the graph that is being traced."""
        if what in self._made or not _is_traced_alone():
            return
        import tensorflow as tf

        self._made |= {what}
        flat = [x for x in keras.tree.flatten(tensors) if x is not None]
        if not all(tf.is_tensor(x) and x.shape.rank is not None for x in flat):
            return

        def compute_on_zeros():
            compute(*keras.tree.map_structure(_zeros, tensors))
            self.reset_metrics()

        _outside_of_the_trace(compute_on_zeros)


def _is_traced_alone():
    """Whether TensorFlow traces, and not for replicas, of whose variables Keras takes care."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.executing_eagerly() and not tf.distribute.has_strategy()


def _outside_of_the_trace(function, *args):
    """Calls it in a thread of its own, where nothing is traced and no gradient is recorded.

    `tf.init_scope` would not do: `tf.function` counts variables that are made in it as its own.
    """
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        threads.submit(function, *args).result()


def _zeros(tensor):
    import tensorflow as tf

    return None if tensor is None else tf.zeros([n or 1 for n in tensor.shape], tensor.dtype)
