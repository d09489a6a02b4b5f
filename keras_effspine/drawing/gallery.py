"""The truth drawn on a sample of a data set."""

from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.drawing.grid import image_grid
from keras_effspine.drawing.label_maps import draw_label_map
from keras_effspine.drawing.zoom import draw_class, draw_enlarged


def truth_gallery(record_set, usable, images=12, columns=4):
    """Draws boxes, label maps or the class on some pictures, spread evenly over the data set.

    Args:
        record_set: `RecordSet`.
        usable: list of the positions of records whose picture can be decoded; at least one.
        images: int, greatest number of pictures shown.
        columns: int, pictures in a row.

    Returns:
        uint8 `(height, width, 3)`.
    """
    count = min(images, len(usable))
    chosen = [usable[i * len(usable) // count] for i in range(count)]
    records = [record_set.records[index] for index in chosen]
    cells = [_drawn(record, record_set.class_names) for record in records]
    captions = [str(record.image_id) for record in records]
    rows = range(0, count, columns)
    return image_grid(
        [cells[i : i + columns] for i in rows], [captions[i : i + columns] for i in rows]
    )


def _drawn(record, class_names):
    if record.semantic_map is not None:
        return draw_label_map(read_image(record), record.semantic_map.read(record), class_names)
    if record.image_label is not None:
        return draw_class(read_image(record), record.image_label, class_names)
    return draw_enlarged(
        read_image(record),
        record.boxes,
        record.classes,
        class_names,
        is_crowd=record.is_crowd,
    )
