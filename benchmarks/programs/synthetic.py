"""Write a set of images like MNIST, or like CIFAR-10, to tensorflow-datasets, where that is not or is too small.

Each class has a pattern of its own, under noise, so that a network learns it. Only the first images are distinct.
Usage: synthetic.py DIRECTORY TRAINING_IMAGES TEST_IMAGES [NAME]
"""

from __future__ import annotations

import sys
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

DISTINCT = 5000
FORMS = {"mnist": ("3.0.1", (28, 28, 1)), "cifar10": ("3.0.2", (32, 32, 3))}  # their versions, and an image of each


def features_of(shape: tuple[int, int, int]) -> tfds.features.FeaturesDict:
    """Return what tensorflow-datasets wants to know of an example."""
    return tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=shape), "label": tfds.features.ClassLabel(num_classes=10)}
    )


def records(shape: tuple[int, int, int]) -> list[bytes]:
    """Return distinct examples, serialised as tensorflow-datasets does."""
    random, features = np.random.default_rng(0), features_of(shape)
    patterns = random.integers(0, 256, (10, *shape)) * (random.random((10, *shape)) < 0.2)
    labels = random.integers(0, 10, DISTINCT)
    hidden = random.random((DISTINCT, *shape)) < 0.5
    images = np.where(hidden, 0, patterns[labels]).astype(np.uint8)
    return [
        features.serialize_example(features.encode_example({"image": image, "label": label}))
        for image, label in zip(images, labels, strict=True)
    ]


def main(directory: Path, training_images: int, test_images: int, name: str = "mnist") -> None:
    """Write both splits and what tensorflow-datasets wants to know of them."""
    version, shape = FORMS[name]
    place = directory / name / version
    place.mkdir(parents=True)
    distinct, splits = records(shape), []
    for split, count in (("train", training_images), ("test", test_images)):
        with tf.io.TFRecordWriter(str(place / f"{name}-{split}.tfrecord-00000-of-00001")) as writer:
            for record in islice(cycle(distinct), count):
                writer.write(record)
        num_bytes = (place / f"{name}-{split}.tfrecord-00000-of-00001").stat().st_size
        splits.append(tfds.core.SplitInfo(name=split, shard_lengths=[count], num_bytes=num_bytes))
    tfds.folder_dataset.write_metadata(
        data_dir=place,
        features=features_of(shape),
        split_infos=splits,
        filename_template="{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
        supervised_keys=("image", "label"),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
