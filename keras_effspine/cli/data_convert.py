"""`effspine data convert`."""

from typing import Annotated

import typer

from keras_effspine.cli.console import say
from keras_effspine.cli.options import Data, Images, Split, check_data_options
from keras_effspine.cli.quiet_start import load_tensorflow_for
from keras_effspine.errors import DataError


def convert(
    to: Annotated[
        str, typer.Option(help="Format to write: coco, voc, yolo, cvat, label-studio or tfrecord.")
    ],
    out: Annotated[str, typer.Option(help="Folder to make.")],
    data: Data = None,
    images: Images = None,
    split: Split = None,
    link: Annotated[
        bool, typer.Option("--link", help="Link picture files where possible; do not copy them.")
    ] = False,
) -> None:
    """Write a data set, with its pictures, in another format.

    All parts are written unless --split names one; data without parts become the part train.
    What the format cannot hold is listed.
    """
    from keras_effspine.data.checks import describe_problems
    from keras_effspine.data.conversion import convert as write
    from keras_effspine.data.loading import describe_records, load_records
    from keras_effspine.data.sources import find_source

    if data is None:
        raise DataError("Name the data to convert (--data).")
    check_data_options(data, images, split)
    load_tensorflow_for(data, to)
    splits = (split,) if split is not None else find_source(data, images).splits or (None,)
    record_sets = {}
    for name in splits:
        records = load_records(data, images, name)
        say(describe_records(records))
        for line in describe_problems(records):
            say(line)
        record_sets[records.split or "train"] = records
    lost = write(record_sets, to, out, link)
    for line in lost:
        say(f"left out, {to} cannot hold it: {line}")
    count = sum(len(records.records) for records in record_sets.values())
    say(f"{count} pictures written in {', '.join(record_sets)}: {out}")
