"""Image-classification sets of tensorflow-datasets as a `Source`."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from served_model.fit import Fit
from served_model.resizing import resize
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log
from tasks.sources.dataset_names import perhaps_meant
from tasks.sources.images import Block, Source, block_examples
from tasks.sources.pixel_values import at_size, prepared_channels, require_range
from tasks.sources.tfds_download import first_line, prepare_set
from tasks.sources.tfds_location import remember_location, tfds_identity

FLOAT_BYTES = 4


def tensorflow_dataset(name: str, *, data_dir: str | None, download: bool, fit: Fit = "stretch") -> Source:
    """Return the set ``name``, prepared below ``data_dir`` first where that is missing and ``download`` allows it.

    Raises:
        InputError: no such set, not an image-classification set, not prepared and not to be downloaded, no
            network, or files that are damaged.
        DownloadError: the download broke off.
    """
    builder = _builder(name, data_dir)
    if not builder.is_prepared():
        prepare_set(builder, name, download=download)
    location = str(builder.data_dir)
    remember_location(name, data_dir, location)
    image, label = _keys(builder, name)
    feature = builder.info.features[image]
    splits = [split for split in ("train", "validation", "test") if split in builder.info.splits]
    if "train" not in splits:
        raise InputError(
            f"dataset: {name!r} has no training split, only {', '.join(builder.info.splits)}; choose another"
        )
    return Source(
        location=f"tensorflow-datasets {builder.info.full_name} in {location}",
        classes=tuple(builder.info.features[label].names),
        channels=prepared_channels(name, tf.as_dtype(feature.np_dtype), feature.shape[-1]),
        counts={split: builder.info.splits[split].num_examples for split in splits},
        blocks={split: functools.partial(_blocks, _Split(builder, split, image, label), fit) for split in splits},
        identity=functools.partial(tfds_identity, location),
    )


def _builder(name: str, data_dir: str | None) -> tfds.core.DatasetBuilder:
    try:
        return tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name.split("/", maxsplit=1)[0], [*known, "digits"], n=3)
        raise InputError(
            f"dataset: received {name!r}, which tensorflow-datasets does not know ({first_line(error)}); "
            + perhaps_meant(name, close)
        ) from error


def _keys(builder: tfds.core.DatasetBuilder, name: str) -> tuple[str, str]:
    """Return what a set calls its image and its label. Raises InputError for any other kind of set."""
    features = dict(builder.info.features.items()) if builder.info.features else {}
    supervised: Sequence[Any] = builder.info.supervised_keys or ()
    for keys in (("image", "label"), supervised):
        if len(keys) == 2 and all(isinstance(key, str) for key in keys):
            image, label = keys
            if isinstance(features.get(image), tfds.features.Image) and isinstance(
                features.get(label), tfds.features.ClassLabel
            ):
                return image, label
    raise InputError(
        f"dataset: {name!r} is no image-classification set (its features are {', '.join(features)}); "
        "choose one with an image and a label"
    )


@dataclass(frozen=True)
class _Split:
    """A split of a set, and what the set calls its image and its label."""

    builder: tfds.core.DatasetBuilder
    name: str
    image: str
    label: str

    @property
    def feature(self) -> tfds.features.Image:
        """What is known of all images."""
        return self.builder.info.features[self.image]


def _blocks(split: _Split, fit: Fit, size: int) -> Iterator[Block]:
    def resized(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        image, ends = at_size(example[split.image], size, fit)
        return {"image": image, "label": example[split.label], "ends": ends}

    def as_they_are(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"image": example[split.image], "label": example[split.label]}

    info, shape = split.builder.info, split.feature.shape
    if split.name == "train" and shape[-1] == 4:
        task_log().info("What the images of %s let shine through is taken for white.", info.full_name)
    at_once = _is_usual(split)
    # As floats, at the larger of their two sizes.
    sides = [size * size, *([shape[0] * shape[1]] if at_once else [])]
    together = block_examples(max(sides) * shape[-1] * FLOAT_BYTES)
    if at_once and _in_one_file(split):
        dataset = _read_in_blocks(split, together)
    else:
        read_config = tfds.ReadConfig(try_autocache=False)
        dataset = split.builder.as_dataset(split=split.name, shuffle_files=False, read_config=read_config)
        made = as_they_are if at_once else resized
        dataset = dataset.map(made, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(together)
    try:
        for block in tfds.as_numpy(dataset):
            if at_once:  # which is many times as fast
                yield resize(block["image"], size, fit).numpy(), block["label"]
            else:
                require_range(info.full_name, split.name, block["ends"][:, 0].min(), block["ends"][:, 1].max())
                yield block["image"], block["label"]
    except (tf.errors.OpError, AssertionError) as error:
        raise InputError(
            f"dataset: the {split.name} split of {info.full_name} in {str(split.builder.data_dir)!r} is damaged "
            f"({first_line(error)}); delete that folder and let it be prepared again"
        ) from error


def _is_usual(split: _Split) -> bool:
    """Return whether the images are what is prepared but for their size, and of one shape."""
    image = split.feature
    return None not in image.shape and image.np_dtype == np.uint8 and image.shape[-1] in (1, 3)


def _in_one_file(split: _Split) -> bool:
    """Return whether one file of TFRecords holds a split; of several, tensorflow-datasets mixes the examples."""
    info = split.builder.info
    return info.file_format == tfds.core.FileFormat.TFRECORD and len(info.splits[split.name].filepaths) == 1


def _read_in_blocks(split: _Split, together: int) -> tf.data.Dataset:
    """Return a split of one file in blocks; tensorflow-datasets parses examples one by one, with thrice the work."""
    image, held = split.feature, split.builder.info.splits[split.name]
    serialized = {
        split.image: tf.io.FixedLenFeature((), tf.string),
        split.label: tf.io.FixedLenFeature((), tf.int64),
    }

    def parsed(records: tf.Tensor) -> dict[str, tf.Tensor]:
        examples = tf.io.parse_example(records, serialized)
        decode = functools.partial(tf.io.decode_image, channels=image.shape[-1], expand_animations=False)
        images = tf.map_fn(decode, examples[split.image], fn_output_signature=tf.TensorSpec(image.shape, tf.uint8))
        return {"image": images, "label": examples[split.label]}

    options = tf.data.Options()
    options.autotune.enabled = False  # every core at once: it is still trying fewer when MNIST has been read
    records = tf.data.TFRecordDataset([str(path) for path in held.filepaths])
    records = records.apply(tf.data.experimental.assert_cardinality(held.num_examples))
    blocks = records.batch(together).map(parsed, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return blocks.with_options(options)
