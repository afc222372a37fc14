"""Where the weights that a network begins with come from, and whether they are still those; without Keras."""

from __future__ import annotations

from pathlib import Path

from tasks.foundation.errors import InputError
from tasks.foundation.named_paths import named_path
from tasks.sources.checksums import sha256
from tasks.tracking import mlflow_client
from tasks.tracking.model_names import recommended_run

IMAGENET, RUN, STUDY = "imagenet", "run:", "study:"


def weights_identity(weights: str | None) -> str:
    """Return what tells weights from those that the same words mean at another time.

    Returns:
        ``run:RUN_ID`` for those of a run, or of what a comparison recommends by now; the SHA-256 of a file; empty for
        none and for ImageNet's, which Keras knows by a digest of its own.

    Raises:
        InputError: there are no such weights.
    """
    if weights is None or weights == IMAGENET:
        return ""
    return f"{RUN}{run_of(weights)}" if weights.startswith((RUN, STUDY)) else sha256(weights_file(weights))


def require_weights(weights: str | None) -> None:
    """Raise InputError for weights of which it is known already that there are none, before a run is made of them."""
    weights_identity(weights)


def require_same_weights(weights: str | None, begun_with: str, what: str) -> None:
    """Raise InputError if ``what``, such as a comparison, began with other weights than the same words mean now."""
    if begun_with and (now := weights_identity(weights)) != begun_with:
        raise other_weights(str(weights), what, begun_with, now)


def other_weights(weights: str, what: str, before: str, now: str) -> InputError:
    """Return the error that says so, given both identities."""
    then, since = (each if each.startswith(RUN) else f"SHA-256 {each[:12]}" for each in (before, now))
    return InputError(
        f"weights: {weights!r} held other weights when {what} began ({then}) than now ({since}); give it back what it "
        "held, or start anew, without resume"
    )


def run_of(weights: str) -> str:
    """Return the run whose weights are meant by ``run:`` or ``study:``. Raises InputError if there is none."""
    named = weights.partition(":")[2]
    recommended = recommended_run(mlflow_client.get_run(named))
    if weights.startswith(STUDY) and recommended == named:
        raise InputError(f"weights: {weights!r} recommends no run: it is no comparison; give run:{named}")
    return recommended


def weights_file(weights: str) -> Path:
    """Return the ``.keras`` file that is meant. Raises InputError if there is none."""
    path = named_path(weights)
    if not path.is_file():
        raise InputError(f"weights: there is no file {str(path)!r}; give one, run:RUN_ID, study:STUDY or imagenet")
    return path
