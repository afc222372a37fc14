"""Fill the store in the working directory with a comparison, as if all of its trials had been run.

Prints the comparison's run as JSON. Usage: stored.py TRIALS
"""

from __future__ import annotations

import json
import sys

from flows.comparison.stored_study import EXAMPLES_TAG, PARAMETERS_TAG
from flows.comparison.trial import tags_of
from flows.parameters.compare import CompareParameters
from flows.parameters.signature import validated
from flows.parameters.study_plan import plan_of, training_of
from flows.parameters.train import TrainParameters
from study.rounds import next_round
from tasks.tracking import mlflow_client
from tasks.tracking.outbox_entries import End, Entry, Metrics, Parameters, Tags
from tasks.tracking.record import now

SETTINGS = {
    "dataset": "digits",
    "epochs": 5,
    "optimizers": "momentum,adam",
    "grid_size": 5,
    "extend": False,
    "looks": None,
}
SETTINGS_COUNT = 10


def entries(trial: TrainParameters) -> list[Entry]:
    """Return what a trial records, with figures that are made up."""
    made: list[Entry] = [
        Parameters(parameters={name: str(value) for name, value in trial.recorded().items()}),
        Tags(tags={"outcome": "completed", "steps_per_epoch": "41"}),
    ]
    for epoch in range(1, trial.epochs + 1):
        error = 1 / (epoch + trial.recipe()["learning_rate"] + trial.seed % 7)
        figures = {"train/loss": error, "train/accuracy": 1 - error, "validation/accuracy": 1 - error}
        made.append(Metrics(metrics={**figures, "epoch_seconds": 0.1}, step=epoch, timestamp=now()))
    return [*made, End(status="FINISHED", timestamp=now())]


def main(trials: int) -> str:
    """Return the run of a comparison with so many trials, a multiple of the settings that it compares."""
    parameters = validated(CompareParameters, {**SETTINGS, "seeds": trials // SETTINGS_COUNT})
    examples = {"train": 1294, "validation": 143, "test": 360}
    tags = {PARAMETERS_TAG: json.dumps(parameters.recorded()), EXAMPLES_TAG: json.dumps(examples)}
    experiment = mlflow_client.open_experiment(parameters.experiment)
    study = mlflow_client.create_run(experiment, parameters.display_name(), tags)
    for planned in next_round(plan_of(parameters, examples), ()):
        trial = training_of(parameters, planned)
        run_id = mlflow_client.create_run(experiment, trial.display_name(), tags_of(trial, study, planned.round))
        for entry in entries(trial):
            mlflow_client.send(run_id, entry)
    mlflow_client.send(study, End(status="FINISHED", timestamp=now()))
    return study


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
