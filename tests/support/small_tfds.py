"""Small data sets for TensorFlow Datasets, with the feature names of coco and of voc.

They stand in a module outside of any package: within one, TFDS asks for importlib_resources.
"""

import numpy as np
import tensorflow_datasets as tfds

BOX = tfds.features.BBox(ymin=0.25, xmin=0.1, ymax=0.75, xmax=0.6)


def features_of(**objects):
    label = tfds.features.ClassLabel(names=["a", "b ü"])
    shared = {"bbox": tfds.features.BBoxFeature(), "label": label}
    return {
        "image": tfds.features.Image(encoding_format="jpeg"),
        "image/filename": tfds.features.Text(),
        "objects": tfds.features.Sequence({**shared, **objects}),
    }


class _Small(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    FEATURES = {}

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(self.FEATURES)
        )

    def _split_generators(self, download_manager):
        return {"train": self._generate_examples(3), "validation": self._generate_examples(2)}

    def _generate_examples(self, count=0):
        for index in range(count):
            image = np.full((20, 40, 3), 80 * index, "uint8")
            name = f"{count}{index}.jpg"
            yield index, {"image": image, "image/filename": name, **self.said(index)}


class SmallCoco(_Small):
    FEATURES = {
        **features_of(id=np.int64, area=np.int64, is_crowd=np.bool_),
        "image/id": np.int64,
    }

    def said(self, index):
        one = {"bbox": BOX, "label": 1, "area": 77}
        objects = [{**one, "id": 10 * index + i, "is_crowd": i == 1} for i in range(index)]
        return {"image/id": 500 + index, "objects": objects}


class SmallVoc(_Small):
    FEATURES = features_of(pose=tfds.features.Text(), is_truncated=np.bool_, is_difficult=np.bool_)

    def said(self, index):
        one = {"bbox": BOX, "label": 0, "pose": "left", "is_truncated": True}
        return {"objects": [{**one, "is_difficult": index == 1}]}


class SmallLabelled(_Small):
    FEATURES = {
        "image": tfds.features.Image(encoding_format="png"),
        "label": tfds.features.ClassLabel(names=["a", "b ü"]),
        "id": tfds.features.Text(),
    }

    def _generate_examples(self, count=0):
        for index in range(count):
            image = np.full((20, 40, 3), 80 * index, "uint8")
            yield index, {"image": image, "label": index % 2, "id": f"train_{index}"}


class NoObjects(_Small):
    FEATURES = {name: value for name, value in features_of().items() if name != "objects"}

    def said(self, index):
        return {}
