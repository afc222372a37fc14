"""The weights that a network begins with, where they are not drawn: of ImageNet, of a run of ours, or of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from models.network_layers import head_of
from tasks.building.imagenet_weights import with_imagenet_weights
from tasks.building.weights_source import IMAGENET, RUN, STUDY, other_weights, run_of, weights_file
from tasks.foundation.durable_files import write_durably
from tasks.foundation.errors import InputError
from tasks.sources.checksums import sha256
from tasks.tracking import mlflow_models, record

DIGEST_FILE = "weights.sha256"  # in a run's directory: of the file whose weights it began with
PixelStatistics = tuple[tuple[float, ...], tuple[float, ...]]


class FirstWeights(NamedTuple):
    """A network with the weights that it begins with, and what these were: the SHA-256 of their file."""

    network: keras.Model
    digest: str


def with_first_weights(
    weights: str, build: Callable[..., keras.Model], directory: Path, *, download: bool
) -> FirstWeights:
    """Return a network that ``build`` makes, with weights that were trained before.

    Args:
        weights: ``imagenet``; ``run:RUN_ID``; ``study:STUDY``; or the path of a ``.keras`` file.
        build: Makes the network from its keyword arguments: ``pretrained`` for ``imagenet``, else ``pixels``, which are
            the pixel statistics that the weights were trained with, or none for those of the data.
        directory: Where a run's model is put for the moment.
        download: Whether the weights of ImageNet may be downloaded.

    Raises:
        InputError: there are no such weights, or they are of another network.
    """
    if weights == IMAGENET:
        network, path = with_imagenet_weights(lambda: build(pretrained=True), download=download)
        return FirstWeights(network, sha256(path))
    path = _file_of(weights, directory)
    try:
        source = keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"weights: {weights!r} cannot be read as a .keras file ({error}); give one that can"
        ) from error
    network = build(pixels=_pixel_statistics(source))
    take_over(weights, source, network)
    return FirstWeights(network, sha256(path))


def keep_digest(directory: Path, run_id: str, weights: str, digest: str) -> None:
    """Keep what a run began with in its directory and, as tags, in its record; ``run_id`` may be empty: no record.

    Raises:
        InputError: it began with other weights, and was interrupted since.
        StorageError: it cannot be kept.
    """
    kept = directory / DIGEST_FILE
    if kept.exists() and (before := kept.read_text()) != digest:
        raise other_weights(weights, f"run {run_id}", before, digest)
    write_durably(kept, digest.encode())
    if run_id:
        record.set_tags(run_id, {"weights.source": weights, "weights.sha256": digest})


def take_over(weights: str, source: keras.Model, network: keras.Model) -> None:
    """Give ``network`` the weights of ``source``, but for those of the head where it has another number of classes.

    Raises:
        InputError: the networks differ in more than that.
    """
    head = {id(weight) for weight in head_of(network).weights}
    of_head = {id(weight) for weight in head_of(source).weights}
    mine = [weight for weight in network.weights if id(weight) not in head]
    its = [weight for weight in source.weights if id(weight) not in of_head]
    for number in range(max(len(mine), len(its))):
        pair = [_described(weights_[number]) if number < len(weights_) else "none" for weights_ in (its, mine)]
        if number >= min(len(mine), len(its)) or tuple(mine[number].shape) != tuple(its[number].shape):
            raise InputError(
                f"weights: {weights!r} is of another network than the one that is built: its weight {number + 1} is "
                f"{pair[0]}, where {pair[1]} is due; give the same model, image_size and channels, or other weights"
            )
    if [tuple(weight.shape) for weight in head_of(source).weights] == [
        tuple(weight.shape) for weight in head_of(network).weights
    ]:
        mine, its = network.weights, source.weights
    for weight, value in zip(mine, its, strict=True):
        weight.assign(value)


def _file_of(weights: str, directory: Path) -> Path:
    """Return the ``.keras`` file that is meant; that of a run is fetched into ``directory``."""
    if weights.startswith((RUN, STUDY)):
        return mlflow_models.download_model(run_of(weights), directory)
    return weights_file(weights)


def _pixel_statistics(source: keras.Model) -> PixelStatistics | None:
    """Return the pixel statistics that one of our networks was trained with; none if it has others, or none."""
    for layer in source.layers:
        if layer.name == "normalization" and isinstance(layer, keras.layers.Normalization):
            mean, variance = (np.ravel(value) for value in (layer.input_mean, layer.input_variance))
            return tuple(map(float, mean)), tuple(map(float, np.sqrt(variance)))
    return None


def _described(weight: Any) -> str:
    return f"{weight.path} of shape {tuple(weight.shape)}"
