"""A folder of pictures and a folder of label maps under the same names: `load_mask_folder`."""

import pathlib

from keras_effspine.data.formats.file_names import IMAGE_SUFFIXES
from keras_effspine.data.formats.label_maps import map_records
from keras_effspine.data.formats.label_names import find_label_names
from keras_effspine.data.record import Problem, RecordSet
from keras_effspine.errors import DataError

IMAGES, MAPS = "images", ("masks", "semantic")

_MAP_SUFFIX = ".png"


def mask_folders(folder):
    """The folders of pictures and of label maps inside of a folder, or None if it has not both."""
    folder = pathlib.Path(folder)
    maps = [folder / name for name in MAPS if (folder / name).is_dir()]
    return (folder / IMAGES, maps[0]) if maps and (folder / IMAGES).is_dir() else None


def holds_masks_alone(folder):
    """Whether a folder can be one of label maps whose pictures lie elsewhere."""
    folder = pathlib.Path(folder)
    if not folder.is_dir() or any((folder / name).is_dir() for name in ("Annotations", IMAGES)):
        return False
    return any(folder.glob(f"*{_MAP_SUFFIX}")) or any(folder.glob(f"*/*{_MAP_SUFFIX}"))


def mask_splits(maps):
    """Names of the folders inside of a folder of label maps, sorted, as a tuple."""
    return tuple(sorted(path.name for path in maps.iterdir() if path.is_dir()))


def load_mask_folder(images, maps, split=None):
    """Reads pictures and their label maps, PNG files of the same names but for the suffix.

    The classes are named by `classes.txt`, `labelmap.txt` or a COCO JSON file in the folder of the
    label maps or the one around it; see `label_names.find_label_names`.

    Args:
        images: path of the folder of the pictures, searched with the folders in it.
        maps: path of the folder of the label maps, with the same folders.
        split: name of a folder in both, or None.

    Returns:
        `RecordSet`; the image ids are the names without suffix, or those of the JSON file.

    Raises:
        DataError: there are no pictures, no names, or no such split.
    """
    images, maps = pathlib.Path(images), pathlib.Path(maps)
    names = find_label_names(maps, maps.parent)
    if names is None:
        raise DataError(
            f"{maps}: no file names the classes of the label maps. Put a classes.txt there, one "
            "name a line for the labels 0, 1, 2, ...; for maps in colours a labelmap.txt with "
            "lines 'name:red,green,blue'; or a JSON file with COCO's categories."
        )
    places = [folder / (split or ".") for folder in (images, maps)]
    for place in places:
        if not place.is_dir():
            raise DataError(f"{place}: there is no such folder.")
    files = sorted(p for p in places[0].rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise DataError(f"{places[0]}: the folder holds no pictures ({' '.join(IMAGE_SUFFIXES)})")
    found = []
    for file in files:
        name = file.relative_to(places[0]).with_suffix("")
        image_id = names.image_ids.get(name.name, name.as_posix())
        found.append((image_id, file, places[1] / name.with_name(name.name + _MAP_SUFFIX)))
    records, problems = map_records(found, names.labels)
    known = {path for _, _, path in found}
    for path in sorted(places[1].rglob(f"*{_MAP_SUFFIX}")):
        if path not in known:
            problems.append(Problem("label map without a picture", str(path), "skipped"))
    return RecordSet(
        records=tuple(records),
        class_names=names.class_names,
        category_ids=names.category_ids,
        source=str(maps),
        problems=tuple(problems),
        format="folder of label maps",
        split=split,
    )
