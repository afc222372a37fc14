"""The files of runs in the MLflow store: read, and, before a run begins, tried."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from tasks.foundation.errors import InputError, StoreAwayError
from tasks.foundation.secrets_in_addresses import without_secrets
from tasks.tracking.mlflow_store import answers, opened_store
from tasks.tracking.store import store_name, tracking_uri
from tasks.tracking.store_errors import in_words, may_pass
from tasks.tracking.store_outage import has_answered, waits_for_store

PROBE = "written_when_the_run_began.txt"
log = logging.getLogger(__name__)


@waits_for_store
def require_artifacts(run_id: str) -> None:
    """Make sure that a run can store files: write a small one, read it, and remove it where that is possible.

    Raises:
        InputError: it cannot be written or read. All that a training makes would be lost at its end.
    """
    with opened_store() as client, tempfile.TemporaryDirectory() as directory:
        artifacts = client.get_run(run_id).info.artifact_uri
        file = Path(directory) / PROBE
        file.write_text("This run could store files when it began.\n")
        try:
            client.log_artifact(run_id, str(file))
            (fetched := Path(directory) / "fetched").mkdir()
            client.download_artifacts(run_id, PROBE, str(fetched))
        except Exception as error:  # noqa: BLE001 - each kind of storage raises errors of its own
            if has_answered() and may_pass(error) and not answers(client):
                raise StoreAwayError(f"The MLflow store {store_name()!r} does not answer ({in_words(error)})") from None
            what_to_do = (
                f"install {error.name!r} in the environment that trains"
                if isinstance(error, ModuleNotFoundError)
                else "mend the access to it (permissions, credentials, the limits of a gateway)"
            )
            raise InputError(
                f"the files of a run cannot be stored at {without_secrets(artifacts)!r}, where the MLflow store "
                f"{store_name()!r} keeps them ({in_words(error)}); {what_to_do}, or choose another store: "
                "MLFLOW_TRACKING_URI"
            ) from None
        try:
            get_artifact_repository(artifacts, tracking_uri=tracking_uri()).delete_artifacts(PROBE)
        except Exception as error:  # noqa: BLE001 - as above
            log.info("The file %s remains in the run, because it cannot be removed: %s", PROBE, in_words(error))


@waits_for_store
def read_file(run_id: str, name: str) -> bytes | None:
    """Return the content of the file ``name`` that a run has stored; none if it has no such file."""
    with opened_store() as client, tempfile.TemporaryDirectory() as directory:
        if name not in {file.path for file in client.list_artifacts(run_id)}:
            return None
        return Path(client.download_artifacts(run_id, name, directory)).read_bytes()


@waits_for_store
def read_folder(run_id: str, name: str) -> dict[str, bytes]:
    """Return the content of each file that a run has stored below the folder ``name``, by its path from there."""
    with opened_store() as client, tempfile.TemporaryDirectory() as directory:
        if not client.list_artifacts(run_id, name):
            return {}
        folder = Path(client.download_artifacts(run_id, name, directory))
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
