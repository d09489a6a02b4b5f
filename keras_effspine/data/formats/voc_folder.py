"""Where a Pascal VOC data set keeps what: `open_voc`."""

import dataclasses
import os
import pathlib
import re

from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.data.images.finding import IMAGE_SUFFIXES, find_files, visible_folders
from keras_effspine.data.record import LEFT_OUT, Problem
from keras_effspine.data.split_names import split_folders
from keras_effspine.errors import DataError

LISTS = "ImageSets/Main"
LABEL_MAP = "labelmap.txt"

_ANNOTATIONS, _IMAGES = ("annotations", "xmls"), ("jpegimages", "images")
# A list of one class, such as aeroplane_train.txt, says for each picture whether it is there.
_CLASS_LIST_LINE = re.compile(rb".*\s(-1|0|1)\s*")


@dataclasses.dataclass(frozen=True)
class VocFolder:
    """The files of a data set, by the names of its pictures: paths without suffix.

    Args:
        root: the folder.
        annotations: dictionary from name to annotation file.
        images: dictionary from name to a list of pictures that differ in their suffix.
        image_root: folder to which the names of `images` are relative.
        splits: dictionary from split to a list of names, or to the text file that holds it.
        problems: list of `Problem`: what was left out.
    """

    root: pathlib.Path
    annotations: dict[str, pathlib.Path]
    images: dict[str, list[pathlib.Path]]
    image_root: pathlib.Path
    splits: dict[str, list[str] | pathlib.Path]
    problems: list[Problem]

    def names(self, split: str | None) -> list[str]:
        """The names of a split, or of all annotation files.

        Raises:
            DataError: there is no such split, or its list names what lies outside or twice.
        """
        if split is None:
            return list(self.annotations)
        if split not in self.splits:
            there = ", ".join(self.splits) or "none"
            raise DataError(
                f"{self.root}: there is no list '{split}' in {LISTS}; there are: {there}."
            )
        found = self.splits[split]
        return found if isinstance(found, list) else read_list(found)

    def image_path(self, name: str, filename: str | None) -> pathlib.Path:
        """The picture of an annotation: the one of the same name but for its suffix.

        Args:
            name: name of the annotation.
            filename: what it says itself, of which the last part tells between several pictures,
                and is looked for where none has the annotation's name.
        """
        said = pathlib.PureWindowsPath((filename or "").replace("\0", "")).name
        folder = pathlib.PurePosixPath(name).parent
        for key in (name, *(str(at / _stem(said)) for at in (folder, pathlib.PurePath()) if said)):
            found = self.images.get(key)
            if found:
                return next((path for path in found if path.name == said), found[0])
        suffix = pathlib.PurePath(said).suffix
        return self.image_root / f"{name}{suffix if suffix in IMAGE_SUFFIXES else '.jpg'}"


def open_voc(folder: str | os.PathLike) -> VocFolder:
    """Looks through a data set for its files.

    The layouts are `Annotations` and `JPEGImages` (or `annotations` and `images`, as Label Studio
    has it) with lists in `ImageSets/Main`; and annotation files beside their pictures, as LabelImg
    writes them, maybe in folders that are named as parts, as Roboflow does.

    Args:
        folder: path of the folder.
    """
    root = pathlib.Path(folder)
    folders = {path.name.lower(): path for path in visible_folders(root)}
    annotations = next((folders[n] for n in _ANNOTATIONS if n in folders), root)
    images = next((folders[n] for n in _IMAGES if n in folders), root)
    files = find_files(annotations, (".xml",))
    pictures = find_files(images)
    by_name = {_name(path, annotations): path for path in files.paths}
    splits: dict[str, list[str] | pathlib.Path] = {path.stem: path for path in voc_lists(root)}
    if annotations == root:
        for split, place in split_folders(root).items():
            found = [name for name in by_name if name.startswith(f"{place.name}/")]
            if found:
                splits[split] = found
    return VocFolder(
        root=root,
        annotations=by_name,
        images=images_by_name(pictures.paths, images),
        image_root=images,
        splits=splits,
        problems=[*files.problems, *(p for p in pictures.problems if p not in files.problems)],
    )


def voc_lists(root: pathlib.Path) -> list[pathlib.Path]:
    """The lists in `ImageSets/Main` that pick pictures, sorted."""
    found = []
    for path in sorted((root / LISTS).glob("*.txt")):
        try:
            with path.open("rb") as file:
                if not _CLASS_LIST_LINE.fullmatch(file.readline().rstrip(b"\n")):
                    found.append(path)
        except OSError:
            continue  # a folder of such a name
    return found


def images_by_name(
    paths: list[pathlib.Path], folder: pathlib.Path
) -> dict[str, list[pathlib.Path]]:
    """Dictionary from a picture's path in a folder, without suffix, to a list of its files."""
    found: dict[str, list[pathlib.Path]] = {}
    for path in paths:
        found.setdefault(_name(path, folder), []).append(path)
    for several in found.values():
        several.sort(key=lambda path: IMAGE_SUFFIXES.index(path.suffix.lower()))
    return found


def without_annotation(voc: VocFolder) -> list[Problem]:
    """A `Problem` for each picture that no annotation file belongs to."""
    return [
        Problem("picture without an annotation file", str(path), LEFT_OUT)
        for name in voc.images.keys() - voc.annotations.keys()
        for path in voc.images[name]
    ]


def read_list(path: pathlib.Path) -> list[str]:
    """The names of a list of pictures, one a line.

    Raises:
        DataError: one leads out of the data set, or stands there twice.
    """
    names = []
    for line in os.fsdecode(path.read_bytes().removeprefix(b"\xef\xbb\xbf")).splitlines():
        name = line.strip()
        if not name:
            continue
        if leaves_folder(name) or "\0" in name:
            raise DataError(f"{path}: {name!r:.200} leaves the folder; use a name inside of it.")
        names.append(name)
    seen = set()
    for name in names:
        if name in seen:
            raise DataError(f"{path}: names {name!r:.200} twice; list each picture once.")
        seen.add(name)
    return names


def _name(path, folder):
    return path.relative_to(folder).with_suffix("").as_posix()


def _stem(name):
    return name.rpartition(".")[0] or name
