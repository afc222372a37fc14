"""A person's own code, tried before a comparison begins, without the seconds that TensorFlow takes to be imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import one_of_each_setting, training_of
from flows.workers.fork_server import START_METHOD, run_in_fork
from tasks.building.own_code import Sources
from tasks.foundation.errors import InputError
from tasks.terminal.messages import quiet_start
from tasks.training.device import hide_gpus
from tasks.training.threads import use_threads

SOUND = "sound"


def require_sound(p: CompareParameters, sources: Sources) -> None:
    """Raise InputError for code of a person's own that fails, or that a trial could not be gone on with.

    It runs in a process of its own, as in a worker, where that is to be had.
    """
    if not sources:
        return
    trainings = [training_of(p, planned) for planned in one_of_each_setting(p)]
    recipes = [{"model": each.model, **each.recipe()} for each in trainings]
    if START_METHOD != "forkserver":
        with quiet_start():
            _require(sources, recipes)
        return
    with TemporaryDirectory() as name:
        answer = Path(name) / "answer"
        run_in_fork(_answer, sources, recipes, p.threads, answer)
        said = answer.read_text() if answer.exists() else "the process that tried code of your own ended without a word"
    if said != SOUND:
        raise InputError(said)


def _answer(sources: Sources, recipes: Sequence[Mapping[str, Any]], threads: int, answer: Path) -> None:
    """Write what is wrong with the code into a file."""
    try:
        use_threads(threads)  # before anything starts TensorFlow
        hide_gpus()
        _require(sources, recipes)
    except Exception as error:  # noqa: BLE001 - told by the other process
        answer.write_text(str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}")
    else:
        answer.write_text(SOUND)


def _require(sources: Sources, recipes: Sequence[Mapping[str, Any]]) -> None:
    from tasks.building.own_checks import require_own_code

    for recipe in recipes:
        require_own_code(sources, **recipe)
