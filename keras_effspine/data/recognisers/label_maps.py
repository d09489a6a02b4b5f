"""Label maps: a folder of pictures and one of maps, or Pascal VOC's `SegmentationClass`."""

from keras_effspine.data.source import Place, Source
from keras_effspine.errors import DataError

KNOWN = (
    "for segmentation a folder with images and masks, a folder of masks with the folder of its "
    "pictures, or a Pascal VOC folder with SegmentationClass"
)


def recognise(place: Place) -> Source | None:
    from keras_effspine.data.formats import mask_folder

    path, images = place.path, place.images
    if images is None:
        folders = mask_folder.mask_folders(path)
    else:
        folders = (images, path) if mask_folder.holds_masks_alone(path) else None
        if folders is not None and not images.is_dir():
            raise DataError(f"{images}: there is no such image folder.")
    if folders is not None:
        return Source(
            mask_folder.mask_splits(folders[1]),
            lambda split: mask_folder.load_mask_folder(*folders, split),
            has_maps=True,
            takes_images=images is not None,
        )
    # A folder of both is one of boxes, unless maps are asked for.
    asked = "semantic" in place.labels or "annotations" not in place.folders
    if images is None and asked and (path / "SegmentationClass").is_dir():
        from keras_effspine.data.formats import voc_segmentation

        return Source(
            voc_segmentation.voc_segmentation_splits(path),
            lambda split: voc_segmentation.load_voc_segmentation(path, split),
            has_maps=True,
        )
    return None
