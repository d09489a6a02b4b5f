"""The contract between a task and the code that trains, evaluates and predicts."""

import abc


class Task(abc.ABC):
    """What training, evaluation and prediction ask of a task; they know nothing else of it.

    An *output* is what the task says of one picture, in the picture's own pixels. It is made from
    the model's predictions, or from a record's annotations, and it is what evaluators count and
    pictures show.
    """

    labels: tuple[str, ...] = ("objects",)
    """Names of what the task learns from and is measured by, among `stream.label_reader.LABELS`.
    Data that hold several kinds are read for these; see `data.sources.find_source`."""

    values = ()
    """Names of the recipe's values that this task reads and not every task has, such as
    `"augmentation.mosaic"`; another task refuses to be given them."""

    @abc.abstractmethod
    def check(self, record_set):
        """Raises DataError where a record set has nothing to train this task on."""

    @abc.abstractmethod
    def build_model(self, recipe, class_names, start):
        """Makes the model that a recipe describes, not compiled.

        Args:
            recipe: `Recipe`.
            class_names: tuple of class names.
            start: the `Pretrained` that its preset names. It says the architecture; its weights are
                brought to the model afterwards.

        Returns:
            `keras.Model` on pictures `(batch, height, width, 3)`, RGB in [0, 255].
        """

    @abc.abstractmethod
    def compile_model(self, model, recipe, optimizer):
        """Compiles the model with the losses that a recipe names."""

    @abc.abstractmethod
    def batch_fields(self, record_set, images_a_sample=1):
        """The task's labels.

        Args:
            record_set: the `RecordSet` to train on, by which shapes are fixed.
            images_a_sample: greatest number of pictures that a sample is made of.

        Returns:
            Function from a sample (`stream.pipeline.training_batches`) to labels of fixed shapes.
        """

    def predict(self, model, images):
        """What the model says of a batch, as NumPy arrays: what `outputs` reads.

        Args:
            model: what `build_model` made, trained.
            images: float32 `(batch, height, width, 3)`, or such a batch as distributed to replicas;
                `predict_on_batch` takes both.
        """
        return model.predict_on_batch(images)

    @abc.abstractmethod
    def outputs(self, predictions, scales, records):
        """The model's predictions for a batch as outputs.

        Args:
            predictions: what `predict` returned, for these records alone.
            scales: float `(batch, 2)`, pixels of the batch over pixels of the picture along y, x.
            records: the batch's `Record`s.

        Returns:
            List of outputs, one a record.
        """

    @abc.abstractmethod
    def truth(self, record):
        """A record's annotations as an output."""

    @abc.abstractmethod
    def evaluator(self, record_set):
        """Measures outputs against a record set.

        Returns:
            An object with `add(record, output)`; `predictions()`, all outputs as a list that JSON
            can hold, in the task's usual result format; and `result()`, an object with `metrics`, a
            dictionary of floats or None with the most telling one first, of which more is better;
            `tables()`, a list of things that rich can print; and `as_json()`, a dictionary.
        """

    @abc.abstractmethod
    def draw(self, image, output, class_names, min_score=0.0):
        """Shows an output on a picture.

        Args:
            image: uint8 `(height, width, 3)`.
            output: an output for it.
            class_names: tuple of class names.
            min_score: what is predicted with a lower score is not shown.

        Returns:
            A new uint8 `(height, width, 3)`.
        """

    def beside(self, output, class_names):
        """Pictures that are written beside a drawn prediction.

        Args:
            output: an output.
            class_names: tuple of class names.

        Returns:
            Dictionary from the ending that the file's name gets, such as `"-labels"`, to a
            `PIL.Image.Image`, written as PNG.
        """
        return {}
