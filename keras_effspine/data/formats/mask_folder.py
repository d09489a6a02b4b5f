"""A folder of pictures and a folder of label maps under the same names: `load_mask_folder`."""

import os
import pathlib

from keras_effspine.data.formats.label_maps import MAP_SUFFIXES, map_records
from keras_effspine.data.formats.label_names import find_label_names
from keras_effspine.data.images.finding import IMAGE_SUFFIXES, find_files, visible_folders
from keras_effspine.data.record import Problem, RecordSet
from keras_effspine.errors import DataError

IMAGES, MAPS = "images", ("masks", "semantic")


def mask_folders(folder: str | os.PathLike) -> tuple[pathlib.Path, pathlib.Path] | None:
    """The folders of pictures and of label maps inside of a folder, or None if it has not both."""
    found = {path.name.lower(): path for path in visible_folders(folder)}
    maps = [found[name] for name in MAPS if name in found]
    return (found[IMAGES], maps[0]) if maps and IMAGES in found else None


def holds_masks_alone(folder: str | os.PathLike) -> bool:
    """Whether a folder can be one of label maps whose pictures lie elsewhere."""
    folders = visible_folders(folder)
    if any(path.name in ("Annotations", IMAGES) for path in folders):
        return False
    return any(find_files(at, MAP_SUFFIXES, deep=False).paths for at in (folder, *folders))


def mask_splits(maps: pathlib.Path) -> tuple[str, ...]:
    """Names of the folders inside of a folder of label maps, sorted, as a tuple."""
    return tuple(path.name for path in visible_folders(maps))


def load_mask_folder(
    images: str | os.PathLike, maps: str | os.PathLike, split: str | None = None
) -> RecordSet:
    """Reads pictures and their label maps, PNG or other exact files of the same names.

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
    maps = pathlib.Path(maps)
    names = find_label_names(maps, maps.parent)
    if names is None:
        raise DataError(
            f"{maps}: no file names the classes of the label maps. Put a classes.txt there, one "
            "name a line for the labels 0, 1, 2, ...; for maps in colours a labelmap.txt with "
            "lines 'name:red,green,blue'; or a JSON file with COCO's categories."
        )
    places = [folder / (split or ".") for folder in (pathlib.Path(images), maps)]
    for place in places:
        if not place.is_dir():
            raise DataError(f"{place}: there is no such folder.")
    pictures = find_files(places[0])
    if not pictures.paths:
        raise DataError(f"{places[0]}: the folder holds no pictures ({' '.join(IMAGE_SUFFIXES)})")
    found_maps = find_files(places[1])
    by_name: dict[pathlib.Path, list[pathlib.Path]] = {}
    for path in found_maps.paths:
        by_name.setdefault(path.relative_to(places[1]).with_suffix(""), []).append(path)
    found, problems = [], [*pictures.problems, *found_maps.problems]
    for file in pictures.paths:
        name = file.relative_to(places[0]).with_suffix("")
        image_id = names.image_ids.get(name.name, name.as_posix())
        several = by_name.pop(name, [])
        exact = [path for path in several if path.suffix.lower() in MAP_SUFFIXES]
        if several and not exact:
            kind = "label map is a JPEG, which does not keep labels"
            problems.append(Problem(kind, f"{several[0]}, image {image_id}", "skipped"))
            continue
        path = exact[0] if exact else places[1] / name.with_name(f"{name.name}.png")
        found.append((image_id, file, path))
    records, more = map_records(found, names.labels)
    problems += more
    for several in by_name.values():
        problems += [
            Problem("label map without a picture", str(path), "skipped") for path in several
        ]
    return RecordSet(
        records=tuple(records),
        class_names=names.class_names,
        category_ids=names.category_ids,
        source=str(maps),
        problems=tuple(problems),
        format="folder of label maps",
        split=split,
    )
