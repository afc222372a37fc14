"""Fits, for the tests of the nodes and of what a fit is made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

from models.steps import make_evaluate_step
from tasks import fit as fit_module
from tasks.data import blocks as blocks_module
from tasks.data.prepared import PreparedDataset
from tasks.fit import fit_model
from tasks.tracking import mlflow_client
from tasks.tracking.record import recording
from tasks.training import epoch_loop
from tests.support.fits import BLOCK_STEPS, SCHEDULED, Fit, Fitted, Learned, Undisturbed
from tests.support.store import store


@pytest.fixture
def fit(
    workplace: Path, prepared: PreparedDataset, make_compiled: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Fit:
    """Build, compile and fit, in a run of its own or in ``run_id``, which goes on.

    ``recipe`` goes to compile_model, the rest to fit_model. Its curves, which take a third of the time, are not drawn;
    ``fit_module.png`` draws them, where a test looks at them.
    """
    monkeypatch.setattr(fit_module, "png", lambda *_: b"")
    experiment_id = mlflow_client.open_experiment("tests")

    def run(
        *,
        recipe: dict[str, Any] | None = None,
        data: PreparedDataset = prepared,
        run_id: str | None = None,
        **changes: Any,
    ) -> Fitted:
        compiled = make_compiled(**recipe or {})
        run_id = run_id or str(store().create_run(experiment_id).info.run_id)
        directory = workplace / run_id
        directory.mkdir(exist_ok=True)
        settings = {
            "epochs": 2,
            "batch_size": 32,
            "shuffle": True,
            "repeat": 1,
            "seed": 7,
            "print_every": None,
            "device": "cpu",
        }
        with recording(run_id, directory) as recorder:
            try:
                result = fit_model.fn(compiled, data, run_id, directory, **settings | changes)
            finally:
                recorder.outbox.close(60)
        return Fitted(result, run_id)

    return run


@pytest.fixture(scope="session")
def _known() -> dict[str, Learned]:
    return {}


@pytest.fixture
def undisturbed(fit: Fit, _known: dict[str, Learned]) -> Undisturbed:
    """What a fit comes to that nothing happens to; of the same arguments it is fitted once in a process."""

    def learned_by(**how: Any) -> Learned:
        words = json.dumps(how, sort_keys=True)
        if words not in _known:
            _known[words] = Learned.by(fit(**how))
        return _known[words]

    return learned_by


@pytest.fixture
def whole(undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch) -> Learned:
    """What an uninterrupted fit of three epochs comes to; from here on blocks have two steps, which changes no bit."""
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    return undisturbed(recipe=SCHEDULED, epochs=3)


@pytest.fixture
def up_and_down(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have validation come to these accuracies, by the number of steps that a model has made, 6 an epoch."""

    def pretend(*accuracies: float) -> None:
        original, models = epoch_loop.score, []

        def evaluated(model: keras.Model) -> Any:
            models.append(model)
            return make_evaluate_step(model)

        def pretended(*arguments: Any) -> Any:
            epoch = int(models[-1].optimizer.iterations) // 6
            return original(*arguments)._replace(accuracy=accuracies[epoch - 1])

        monkeypatch.setattr(epoch_loop, "make_evaluate_step", evaluated)
        monkeypatch.setattr(epoch_loop, "score", pretended)

    return pretend
