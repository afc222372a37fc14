"""Image-classification sets of tensorflow-datasets as a `Source`."""

from __future__ import annotations

import difflib
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import requests
import tensorflow as tf
import tensorflow_datasets as tfds

from tasks.foundation.errors import DownloadError, InputError
from tasks.foundation.log import task_log
from tasks.sources.images import BLOCK_EXAMPLES, Block, Source, resize
from tasks.sources.pixel_values import at_size, prepared_channels, require_range
from tasks.sources.tfds_location import remember_location, tfds_identity


def tensorflow_dataset(name: str, *, data_dir: str | None, download: bool) -> Source:
    """Return the set ``name``, prepared below ``data_dir`` first where that is missing and ``download`` allows it.

    Raises:
        InputError: no such set, not an image-classification set, not prepared and not to be downloaded, no
            network, or files that are damaged.
        DownloadError: the download broke off.
    """
    builder = _builder(name, data_dir)
    if not builder.is_prepared():
        _prepare(builder, name, download=download)
    location = str(builder.data_dir)
    remember_location(name, data_dir, location)
    classes, channels = _classification(builder, name)
    splits = [split for split in ("train", "test") if split in builder.info.splits]
    if "train" not in splits:
        raise InputError(
            f"dataset: {name!r} has no training split, only {', '.join(builder.info.splits)}; choose another"
        )
    return Source(
        location=f"tensorflow-datasets {builder.info.full_name} in {location}",
        classes=classes,
        channels=channels,
        counts={split: builder.info.splits[split].num_examples for split in splits},
        blocks={split: functools.partial(_blocks, builder, split) for split in splits},
        identity=functools.partial(tfds_identity, location),
    )


def _builder(name: str, data_dir: str | None) -> tfds.core.DatasetBuilder:
    try:
        return tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name.split("/", maxsplit=1)[0], [*known, "digits"], n=3)
        raise InputError(
            f"dataset: received {name!r}, which tensorflow-datasets does not know ({_first_line(error)}); "
            + (f"did you mean {' or '.join(close)}? " if close else "")
            + "Others: digits, folder:PATH"
        ) from error


def _prepare(builder: tfds.core.DatasetBuilder, name: str, *, download: bool) -> None:
    where = str(Path(builder.data_dir).parent.absolute())
    if not download:
        raise InputError(
            f"dataset: {name!r} is not prepared in {where!r} and download is false; "
            "allow the download, or give the data_dir where it lies prepared"
        )
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    _require_network(builder, f"{name!r} is not prepared in {where!r}")
    try:
        builder.download_and_prepare()
    except Exception as error:
        # tensorflow-datasets lets through whatever its many download back-ends raise.
        if _may_pass(error):
            raise DownloadError(
                f"the download of {name!r} broke off ({type(error).__name__}: {_first_line(error)}); try again, or "
                "give the data_dir where it lies prepared"
            ) from error
        raise InputError(
            f"dataset: {name!r} could not be downloaded and prepared in {where!r} "
            f"({type(error).__name__}: {_first_line(error)}); try again, or give the data_dir where it lies prepared"
        ) from error


def _may_pass(error: Exception) -> bool:
    """Return whether a download failed for a reason that may pass: the connection, or a server in trouble."""
    if isinstance(error, tfds.download.DownloadError):
        return re.search("HTTP code: (5|408|429)", str(error)) is not None
    return isinstance(error, (requests.RequestException, ConnectionError, TimeoutError))


def _require_network(builder: tfds.core.DatasetBuilder, why: str) -> None:
    """Raise InputError if the download's host does not answer: tensorflow-datasets itself tries for minutes."""
    for url in list(builder.url_infos)[:1]:
        try:
            httpx.head(url, timeout=10)
        except httpx.HTTPError as error:
            raise InputError(
                f"dataset: {why}, and {urlsplit(url).netloc} cannot be reached to download it "
                f"({type(error).__name__}); connect to the network, give the data_dir where it lies prepared, "
                "or use dataset digits, which needs no download"
            ) from error


def _classification(builder: tfds.core.DatasetBuilder, name: str) -> tuple[tuple[str, ...], int]:
    """Return the class names and the channels of prepared images. Raises InputError for any other kind of set."""
    features = dict(builder.info.features.items()) if builder.info.features else {}
    image, label = features.get("image"), features.get("label")
    if not isinstance(image, tfds.features.Image) or not isinstance(label, tfds.features.ClassLabel):
        raise InputError(
            f"dataset: {name!r} is no image-classification set (its features are {', '.join(features)}); "
            "choose one with an image and a label"
        )
    return tuple(label.names), prepared_channels(name, tf.as_dtype(image.np_dtype), image.shape[-1])


def _blocks(builder: tfds.core.DatasetBuilder, split: str, size: int) -> Iterator[Block]:
    def resized(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        image, ends = at_size(example["image"], size)
        return {"image": image, "label": example["label"], "ends": ends}

    if split == "train" and builder.info.features["image"].shape[-1] == 4:
        task_log().info("What the images of %s let shine through is taken for white.", builder.info.full_name)
    at_once = _is_usual(builder)
    if at_once and _in_one_file(builder, split):
        dataset = _read_in_blocks(builder, split)
    else:
        read_config = tfds.ReadConfig(try_autocache=False)
        dataset = builder.as_dataset(split=split, shuffle_files=False, read_config=read_config)
        if not at_once:
            dataset = dataset.map(resized, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        dataset = dataset.batch(BLOCK_EXAMPLES)
    try:
        for block in tfds.as_numpy(dataset):
            if at_once:  # which is many times as fast
                yield resize(block["image"], size).numpy(), block["label"]
            else:
                require_range(builder.info.full_name, split, block["ends"][:, 0].min(), block["ends"][:, 1].max())
                yield block["image"], block["label"]
    except (tf.errors.OpError, AssertionError) as error:
        raise InputError(
            f"dataset: the {split} split of {builder.info.full_name} in {str(builder.data_dir)!r} is damaged "
            f"({_first_line(error)}); delete that folder and let it be prepared again"
        ) from error


def _is_usual(builder: tfds.core.DatasetBuilder) -> bool:
    """Return whether the images are what is prepared but for their size, and of one shape."""
    image = builder.info.features["image"]
    return None not in image.shape and image.np_dtype == np.uint8 and image.shape[-1] in (1, 3)


def _in_one_file(builder: tfds.core.DatasetBuilder, split: str) -> bool:
    """Return whether one file of TFRecords holds a split; of several, tensorflow-datasets mixes the examples."""
    is_usual = builder.info.file_format == tfds.core.FileFormat.TFRECORD
    return is_usual and len(builder.info.splits[split].filepaths) == 1


def _read_in_blocks(builder: tfds.core.DatasetBuilder, split: str) -> tf.data.Dataset:
    """Return a split of one file in blocks; tensorflow-datasets parses examples one by one, with thrice the work."""
    image, held = builder.info.features["image"], builder.info.splits[split]
    serialized = {"image": tf.io.FixedLenFeature((), tf.string), "label": tf.io.FixedLenFeature((), tf.int64)}

    def parsed(records: tf.Tensor) -> dict[str, tf.Tensor]:
        examples = tf.io.parse_example(records, serialized)
        decode = functools.partial(tf.io.decode_image, channels=image.shape[-1], expand_animations=False)
        images = tf.map_fn(decode, examples["image"], fn_output_signature=tf.TensorSpec(image.shape, tf.uint8))
        return {"image": images, "label": examples["label"]}

    options = tf.data.Options()
    options.autotune.enabled = False  # every core at once: it is still trying fewer when MNIST has been read
    records = tf.data.TFRecordDataset([str(path) for path in held.filepaths])
    records = records.apply(tf.data.experimental.assert_cardinality(held.num_examples))
    blocks = records.batch(BLOCK_EXAMPLES).map(parsed, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return blocks.with_options(options)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
