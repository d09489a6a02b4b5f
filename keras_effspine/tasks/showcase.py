"""Pictures of what a model predicts, next to the truth."""

from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.drawing.grid import image_grid


def truth_and_prediction(task, pairs, class_names, min_score, columns=2):
    """One picture that shows pairs of truth and prediction.

    Args:
        task: `Task`.
        pairs: list of pairs of a record and an output.
        class_names: tuple of class names.
        min_score: what is predicted with a lower score is not shown.
        columns: number of pairs in a row.

    Returns:
        uint8 `(height, width, 3)`.
    """
    cells, captions = [], []
    for record, output in pairs:
        image = read_image(record)
        cells += [
            task.draw(image, task.truth(record), class_names),
            task.draw(image, output, class_names, min_score),
        ]
        captions += [f"{record.image_id}: truth", "predicted"]
    width = 2 * columns
    return image_grid(
        [cells[i : i + width] for i in range(0, len(cells), width)],
        [captions[i : i + width] for i in range(0, len(captions), width)],
    )
