"""The download of a set of tensorflow-datasets, told in words where it does not come about."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import requests
import tensorflow_datasets as tfds

from tasks.foundation.errors import DownloadError, InputError


def prepare_set(builder: tfds.core.DatasetBuilder, name: str, *, download: bool) -> None:
    """Download a set and prepare it as tensorflow-datasets does.

    Raises:
        InputError: it may not be downloaded, or cannot be.
        DownloadError: the download broke off, which may pass.
    """
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
                f"the download of {name!r} broke off ({type(error).__name__}: {first_line(error)}); try again, or "
                "give the data_dir where it lies prepared"
            ) from error
        raise InputError(
            f"dataset: {name!r} could not be downloaded and prepared in {where!r} "
            f"({type(error).__name__}: {first_line(error)}); try again, or give the data_dir where it lies prepared"
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


def first_line(error: BaseException) -> str:
    """Return the beginning of what an error says."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
