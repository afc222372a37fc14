"""MLflow's registry of models: names, the versions of each and the run that a version is of, and aliases of versions.

It is of the store: a model that is registered in one is not known in another. Each change here is one that the store
makes whole or not at all, and making it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tasks.foundation.commands import command
from tasks.foundation.crash_points import crash_point
from tasks.foundation.errors import InputError
from tasks.tracking.mlflow_models import MODEL_ARTIFACT
from tasks.tracking.mlflow_store import opened_store
from tasks.tracking.store import registry_name, store_name
from tasks.tracking.store_errors import is_not_there
from tasks.tracking.store_outage import waits_for_store
from tasks.tracking.stored_run import MISSING_TAG, MODEL_TAG

SHOWN_NAMES = 10
LONGEST_VERSION = 9  # digits


@dataclass(frozen=True)
class RegisteredModel:
    """A name of the registry.

    Attributes:
        name: The name.
        latest: The number of its newest version; none without any.
        aliases: The version that each alias stands for.
        tags: What it is tagged with.
    """

    name: str
    latest: str | None
    aliases: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model: the run that it is of, none if that was not said, and its tags."""

    version: str
    run_id: str | None
    tags: dict[str, str]


def registered_run(name: str, alias_or_version: str) -> str:
    """Return the run whose model a version of a registered model is.

    Args:
        name: Of the registered model.
        alias_or_version: ``champion`` or another alias of a version, or the version's number.

    Raises:
        InputError: there is no such model, alias or version, or it was registered without its run.
    """
    version = registered_version(name, alias_or_version)
    if not version.run_id:
        raise InputError(
            f"version {version.version} of {name!r} in the registry {registry_name()!r} does not say which run it is "
            f"of; name the run, or register it by: {command('promote', 'RUN', '--name', name)}"
        )
    return version.run_id


@waits_for_store
def registered_version(name: str, alias_or_version: str) -> RegisteredVersion:
    """Return a version by its number or alias. Raises InputError as `registered_run`."""
    model = find_model(name)
    if model is None:
        raise InputError(f"the registry {registry_name()!r} has no model {name!r}; {_names()}")
    newest = f"its newest version: {model.latest or 'none'}"
    # A number that no registry counts to would be an error of its database, which is waited for.
    is_number = alias_or_version.isdecimal() and len(alias_or_version) <= LONGEST_VERSION
    number = alias_or_version if is_number else model.aliases.get(alias_or_version)
    if number is None:
        raise InputError(
            f"{name!r} has no version with the alias {alias_or_version!r} in the registry {registry_name()!r}; its "
            f"aliases: {', '.join(sorted(model.aliases)) or 'none yet'}; {newest}"
        )
    with _registry() as client:
        try:
            found = client.get_model_version(name, number)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise InputError(
                f"{name!r} has no version {number} in the registry {registry_name()!r}; {newest}"
            ) from None
    return RegisteredVersion(str(found.version), found.run_id or None, dict(found.tags))


@waits_for_store
def find_model(name: str) -> RegisteredModel | None:
    """Return a registered model; none if there is none of that name. Raises InputError without a registry."""
    with _registry() as client:
        try:
            found = client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
    newest = max((int(version.version) for version in found.latest_versions), default=None)
    aliases = {alias: str(version) for alias, version in found.aliases.items()}
    return RegisteredModel(name, None if newest is None else str(newest), aliases, dict(found.tags))


@waits_for_store
def register_model(name: str, run_id: str) -> str:
    """Return the number of the version of ``name`` that is the model of a run; registered, unless that is so already.

    Raises:
        InputError: the run has stored no model, or there is no registry.
    """
    with _registry() as client:
        source, model_id = _source(client, run_id)
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        crash_point("model_named")
        known = [found for found in client.search_model_versions(f"run_id = '{run_id}'") if found.name == name]
        if known:
            return str(min(int(found.version) for found in known))
        return str(client.create_model_version(name, source, run_id, model_id=model_id).version)


@waits_for_store
def tag_version(name: str, version: str, tags: Mapping[str, str]) -> None:
    """Give a version tags, which replace those of the same names."""
    with _registry() as client:
        for key, value in tags.items():
            client.set_model_version_tag(name, version, key, value)


@waits_for_store
def tag_model(name: str, key: str, value: str | None) -> None:
    """Give a registered model a tag, which replaces that of the same name; none: take it away."""
    with _registry() as client:
        if value is None:
            client.delete_registered_model_tag(name, key)
        else:
            client.set_registered_model_tag(name, key, value)


@waits_for_store
def set_alias(name: str, alias: str, version: str) -> None:
    """Let an alias stand for a version, whichever it stood for before: in one step, as MLflow does it."""
    with _registry() as client:
        client.set_registered_model_alias(name, alias, version)


def _source(client: MlflowClient, run_id: str) -> tuple[str, str | None]:
    """Return where the model of a run lies, and its id, if it is one of MLflow's logged models."""
    run = client.get_run(run_id)
    if run.outputs and run.outputs.model_outputs:
        model_id = run.outputs.model_outputs[0].model_id
        # Where it lies, and not models:/ID: with a database MLflow looks that up in the store that the process has by
        # default, which may be another.
        return client.get_logged_model(model_id).artifact_location, model_id
    if MODEL_TAG in run.data.tags:
        return f"{run.info.artifact_uri.rstrip('/')}/{MODEL_ARTIFACT}", None
    raise InputError(
        f"run {run_id!r} has no model in the MLflow store {store_name()!r} that could be registered; if its tag "
        f"{MISSING_TAG!r} names one, send that with: {command('reconcile', '--again')}"
    )


def _names() -> str:
    """Say which names there are."""
    with _registry() as client:
        found = [model.name for model in client.search_registered_models(max_results=SHOWN_NAMES)]
    if not found:
        return f"it has none yet; register one by: {command('promote', 'RUN', '--name', 'NAME')}"
    return f"it has: {', '.join(found)}{', ...' if len(found) == SHOWN_NAMES else ''}"


@contextmanager
def _registry() -> Iterator[MlflowClient]:
    """Yield a client of the store whose registry is asked. Raises InputError if it has none."""
    with opened_store() as client:
        try:
            yield client
        except MlflowException as error:
            if not is_not_there(error) and error.error_code != "FEATURE_DISABLED":
                raise
            raise InputError(
                f"{registry_name()!r} has no registry of models, or none that is open to you; name the run itself, or "
                "use an MLflow store that has one: a database, or a server of MLflow 2.3 or newer"
            ) from None
