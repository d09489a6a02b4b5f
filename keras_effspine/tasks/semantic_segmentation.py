"""Semantic segmentation with SemanticSegmenter."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from keras_effspine.analysis.finding import Finding, Grade
from keras_effspine.analysis.segmentation_findings import grade_map, segmentation_findings
from keras_effspine.drawing.label_maps import draw_label_map, label_image
from keras_effspine.drawing.zoom import zoom_of
from keras_effspine.errors import DataError
from keras_effspine.evaluation.semantic_segmentation import (
    SegmentationEvaluator,
    SegmentationResult,
)
from keras_effspine.evaluation.tiled_masks import merge_maps
from keras_effspine.results.class_maps import map_in_picture
from keras_effspine.results.label_map import LabelMap
from keras_effspine.stream.augmentation import Share
from keras_effspine.tasks.class_balance import BalanceOptions, ClassAmounts, class_weights_of
from keras_effspine.tasks.exported_outputs import ExportedOutputs
from keras_effspine.tasks.task import Task
from keras_effspine.topology.labels import IGNORED, VOC_CLASSES

if TYPE_CHECKING:
    import keras
    from PIL import Image

    from keras_effspine.data.record import Record, RecordSet
    from keras_effspine.pretrained.pretrained import Pretrained
    from keras_effspine.results.picture import Picture

_LOOKED_AT = 32
_KEPT = ("head_layers", "decoder", "atrous_rates", "decoder_width")


class SegmentationOptions(BalanceOptions):
    """Semantic segmentation's own values of a recipe, beside those of `BalanceOptions`.

    Args:
        mosaic: share of the samples that are made of four pictures side by side.
        decoder: `"deeplab_v3"` or `"deeplab_v3_plus"`, see `SemanticSegmenter`; None takes that of
            the weights or of the preset, or none.
    """

    mosaic: Share = 0.0
    decoder: Literal["deeplab_v3", "deeplab_v3_plus"] | None = None


class SemanticSegmentation(Task):
    """The class of each pixel. An output is uint8 `(height, width)`, 255 where there is none."""

    labels = ("semantic",)
    options = SegmentationOptions
    published = "segmentation"
    published_classes = VOC_CLASSES
    exported_output = "logits"

    def __init__(self) -> None:
        self._coarse: tuple[Any, Any] = None, None

    def check(self, record_set: RecordSet) -> None:
        """As in `Task`; the maps of some pictures are read, spread over the data set."""
        records = record_set.records
        missing = next((record for record in records if record.semantic_map is None), None)
        if missing is not None:
            raise DataError(
                f"{record_set.source}: {missing.path} has no label map to learn from, as other "
                "pictures too, maybe. Segmentation takes a folder with images and masks, a Pascal "
                "VOC folder with SegmentationClass, or objects with masks."
            )
        found: set[int] = set()
        for record in records[:: -(-len(records) // _LOOKED_AT)]:
            assert record.semantic_map is not None  # none is missing
            try:
                found |= set(np.unique(record.semantic_map.read(record)).tolist())
            except DataError:
                continue  # counted and named when it is used
            if len(found - {IGNORED}) > 1:
                return
        names = [record_set.class_names[index] for index in found - {IGNORED}]
        raise DataError(
            f"{record_set.source}: the label maps hold {names[0] if names else 'no class'} alone"
            f"{' and ignored pixels' * (IGNORED in found)}: there is nothing to tell apart. "
            "The value 255 is ignored; for masks of 0 and 255 write a labelmap.txt with the lines "
            "'background:0,0,0' and 'NAME:255,255,255'."
        )

    def is_annotated(self, record: Record) -> bool:
        return record.semantic_map is not None

    def inspect(
        self, record_set: RecordSet, checked: list[tuple[str | None, str | None]], image_size: int
    ) -> Any:
        from keras_effspine.inspection.label_map_inspection import inspect_maps

        return inspect_maps(record_set, checked)

    def build_model(
        self, recipe: Any, class_names: tuple[str, ...], start: Pretrained
    ) -> keras.Model:
        from keras_effspine.models.semantic_segmenter import SemanticSegmenter
        from keras_effspine.tasks.backbone import build_backbone

        # The head is that of the segmentation model that it starts from, if it does.
        config = start.arguments_of(SemanticSegmenter)
        head = {name: config[name] for name in _KEPT if name in config}
        decoder = cast(SegmentationOptions, recipe.options).decoder
        if decoder is not None:
            head["decoder"] = decoder
        backbone = build_backbone(recipe, start)
        return SemanticSegmenter(backbone, num_classes=len(class_names), **head)

    def compile_model(
        self, model: keras.Model, recipe: Any, optimizer: keras.optimizers.Optimizer
    ) -> None:
        model.compile(optimizer=optimizer, class_weights=class_weights_of(recipe.options))

    def class_amounts(self, records: RecordSet) -> ClassAmounts:
        """As in `Task`, in pixels: every label map is read."""
        classes = len(records.class_names)

        def pixels(record: Record) -> np.ndarray:
            return np.bincount(self.truth(record).ravel(), minlength=IGNORED + 1)[:classes]

        with concurrent.futures.ThreadPoolExecutor() as pool:
            counts = list(pool.map(pixels, records.records))
        return ClassAmounts.of_counts(np.stack(counts))

    def batch_fields(self, record_set: RecordSet, images_a_sample: int = 1) -> Callable:
        return lambda sample: sample["semantic"]

    def predict(self, model: keras.Model, images: Any) -> np.ndarray:
        import keras

        # Logits of all pixels and classes of a batch would take gigabytes.
        if self._coarse[0] is not model:
            with model.distribute_strategy.scope():
                self._coarse = model, keras.Model(model.inputs, model.coarse_logits)
        return self._coarse[1].predict_on_batch(images)

    def exported(
        self, model: keras.Model, fused: Any, decode: bool, has_kernel: bool
    ) -> ExportedOutputs:
        import keras

        return super().exported(
            model, keras.Model(fused.inputs[0], fused.coarse_logits), decode, has_kernel
        )

    def outputs(
        self, predictions: np.ndarray, scales: np.ndarray, records: Sequence[Record]
    ) -> list[np.ndarray]:
        return [
            map_in_picture(predictions[row], scales[row], (record.height, record.width))
            for row, record in enumerate(records)
        ]

    def merge_tiles(
        self, outputs: list[np.ndarray], windows: np.ndarray, record: Record
    ) -> np.ndarray:
        return merge_maps(outputs, windows, record.height, record.width)

    def truth(self, record: Record) -> np.ndarray:
        if record.semantic_map is None:
            return np.full((record.height, record.width), IGNORED, "uint8")
        try:
            return record.semantic_map.read(record)
        except DataError:  # the evaluator counts and names it
            return np.full((record.height, record.width), IGNORED, "uint8")

    def evaluator(self, record_set: RecordSet) -> SegmentationEvaluator:
        return SegmentationEvaluator(record_set)

    def look_closer(
        self,
        result: SegmentationResult,
        record_set: RecordSet,
        pairs: Iterable[tuple[Record, np.ndarray]],
        shown: Callable[[np.ndarray], np.ndarray],
    ) -> list[Finding]:
        return segmentation_findings(result)

    def grade(
        self, record: Record, output: np.ndarray, class_names: tuple[str, ...]
    ) -> Grade | None:
        return grade_map(self.truth(record), output)

    def result(
        self, output: np.ndarray, picture: Picture, class_names: tuple[str, ...] | None
    ) -> LabelMap:
        return LabelMap(picture, class_names, output)

    def draw(
        self,
        image: np.ndarray,
        output: np.ndarray,
        class_names: tuple[str, ...],
        min_score: float = 0.0,
    ) -> np.ndarray:
        """As in `Task`; classes of pixels have no scores, so that all are shown."""
        zoom = zoom_of(image)
        image, output = (x.repeat(zoom, axis=0).repeat(zoom, axis=1) for x in (image, output))
        return draw_label_map(image, output, class_names)

    def beside(self, output: np.ndarray, class_names: tuple[str, ...]) -> dict[str, Image.Image]:
        return {"-labels": label_image(output, class_names)}
