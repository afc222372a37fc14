"""Code of a person's own, from where it lies into a run's directory, and from there into this process.

A run has a copy, and all that it does is done with that: in every process, and after it was interrupted. So whoever
edits a file meanwhile changes no run. Of a comparison the trials take their copies from the comparison's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tasks.foundation.durable_files import storing, write_durably
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import DIGITS, OwnCodeError, OwnName, digest_of, is_own, read_source, taken_apart
from tasks.tracking import mlflow_client, mlflow_files, record
from tasks.tracking.claim import held_claim
from tasks.tracking.outbox_entries import Attachment
from tasks.tracking.stored_run import STUDY_TAG

SOURCES = "sources"  # the folder in a run's directory, and among its files in MLflow; in it a folder for each digest
IN_A_COPY = rf"/{SOURCES}/[0-9a-f]{{{DIGITS}}}/(.+)"  # a path there, and what it is for the person
NAMES = "names.json"  # in it: of what is loaded from there
Sources = Mapping[
    str, Mapping[str, bytes]
]  # for each name of a person's own the files that it is made of, by their paths


def own_sources(names: Iterable[str], run_id: str | None = None) -> Sources:
    """Return the files of those names that are a person's own, as their digests say.

    Args:
        names: Of optimizers, losses and networks of any kind.
        run_id: The run that goes on, or whose model is asked: its copy counts, else that of its comparison.

    Raises:
        InputError: a file is gone, or holds something else by now, and there is no copy.
    """
    held = held_claim()
    runs = [each for each in (run_id, held.tags.get(STUDY_TAG) if held else None) if each]
    return {name: _files(taken_apart(name), runs) for name in dict.fromkeys(names) if is_own(name)}


def _files(own: OwnName, runs: Iterable[str]) -> Mapping[str, bytes]:
    for run_id in runs:
        if files := _kept(own, run_id):
            return files
    try:
        files = read_source(own)
    except OwnCodeError as error:
        raise InputError(f"{own}: {error}, and no run has a copy of it") from error
    if (digest := digest_of(files)) != own.digest:
        raise InputError(
            f"{own}: it holds something else by now (digest {digest}), and no run has a copy of what it held; "
            f"give that back, or name it without a digest, {own.source}:{own.name}, for another run"
        )
    return files


def _kept(own: OwnName, run_id: str) -> Mapping[str, bytes]:
    """Return the files of which a run, or the comparison that it is of, has a copy; none if neither has."""
    run = mlflow_client.get_run(run_id)
    if run.directory and (files := read_copy(run.directory, own.digest)):
        return files
    stored = mlflow_files.read_folder(run_id, f"{SOURCES}/{own.digest}")
    if stored and digest_of(stored) == own.digest:
        return stored
    study = run.tags.get(STUDY_TAG)
    return _kept(own, study) if study else {}


def read_copy(directory: Path, digest: str) -> Mapping[str, bytes]:
    """Return the files of a digest that lie in a run's directory; none if they are not there, or not whole."""
    folder = directory / SOURCES / digest
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py"))}
    return files if files and digest_of(files) == digest else {}


def write_copy(sources: Sources, directory: Path) -> None:
    """Write the files into a run's directory, from where `own_objects` loads them. Raises StorageError."""
    for name, files in sources.items():
        for path, content in files.items():
            copy = directory / SOURCES / taken_apart(name).digest / path
            with storing(copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
            write_durably(copy, content)
    if sources:
        write_durably(directory / SOURCES / NAMES, json.dumps(list(sources)).encode())


def names_in(directory: Path) -> list[str]:
    """Return the names whose files a run's directory has; none if it has no code of a person's own."""
    path = directory / SOURCES / NAMES
    names: list[str] = json.loads(path.read_bytes()) if path.exists() else []
    return names


def keep_sources(
    sources: Sources, run_id: str, directory: Path, *, put: Callable[..., None] = record.log_content
) -> None:
    """Write the files into a run's directory, and store them with the run by ``put(run_id, content, name)``."""
    write_copy(sources, directory)
    stored = {
        (taken_apart(name).digest, path): content for name, files in sources.items() for path, content in files.items()
    }
    for (digest, path), content in stored.items():
        put(run_id, content, f"{SOURCES}/{digest}/{path}")


def store_now(run_id: str, content: bytes, name: str) -> None:
    """Store a content as a file of a run, and wait until it is there."""
    mlflow_client.send_now(run_id, Attachment(name=name, content=content))
