"""A comparison read back from the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.compare import compare
from flows.comparison.answer import chosen_runs, report
from flows.comparison.growth import resumed_study
from flows.comparison.stored_study import (
    PARAMETERS_TAG,
    STUDY_DATASET_TAG,
    find_trials,
    open_study,
    require_weights_of_study,
    stored_parameters,
    stored_plan,
    study_dataset,
    study_directory,
    study_tags,
    trial_digest,
)
from flows.comparison.stored_trials import next_trials, read_trials
from flows.comparison.trial import setting_of, tags_of, train_trial
from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import digest_of
from flows.parameters.train import TrainParameters
from study.statistics import compare_trials
from tasks.data.bound_dataset import BoundDataset
from tasks.data.prepared import PreparedDataset
from tasks.foundation.commands import command
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client, record
from tasks.tracking.claim import claim
from tasks.tracking.outbox_entries import Tags
from tasks.tracking.run import tracked_run
from tasks.tracking.stored_run import resume_command
from tests.support.studies import begun
from tests.support.tuning_trainings import trainings

PARAMETERS = CompareParameters(
    dataset="digits", optimizers=("sgd", "adam"), learning_rates=(0.1,), seeds=2, epochs=2, looks=None, target=0.8
)


@pytest.fixture
def study(workplace: Path, prepared: PreparedDataset) -> str:
    assert workplace.is_dir()
    return begun(PARAMETERS, prepared)


def experiment() -> str:
    return mlflow_client.open_experiment("tests")


def trained(
    study: str,
    parameters: TrainParameters,
    *accuracies: float,
    error: BaseException | None = None,
    on: PreparedDataset | None = None,
) -> str:
    """Record a trial that came to these accuracies, or to an error."""
    run_id = ""

    def train() -> None:
        nonlocal run_id
        with claim() as claimed:
            claimed.tags = tags_of(parameters, study, "tune")
            name, tags = parameters.display_name(), {"steps_per_epoch": "5"}
            with tracked_run(claimed, experiment(), name, parameters.recorded(), tags) as run:
                run_id = run.run_id
                if on:
                    record.log_dataset(run_id, on)
                for epoch, accuracy in enumerate(accuracies, start=1):
                    metrics = {"train/loss": 1 - accuracy, "validation/accuracy": accuracy, "epoch_seconds": 2.0}
                    metrics["validation/macro_f1"] = accuracy / 2
                    record.log_metrics(run.run_id, metrics, step=epoch)
                if error:
                    raise error
                record.set_tags(run.run_id, {"outcome": "completed"})

    if error:
        with pytest.raises(type(error)):
            train()
    else:
        train()
    return run_id


def test_a_comparison_is_known_by_its_parameters(study: str) -> None:
    assert stored_parameters(open_study(study)) == PARAMETERS
    assert study_directory(study).parent == Path("runs").absolute()


def test_a_comparison_knows_what_its_data_came_with_and_what_leaks(
    workplace: Path, prepared: PreparedDataset, study: str
) -> None:
    assert workplace.is_dir()
    drawn = stored_plan(open_study(study))
    assert (drawn.redraws, drawn.images, drawn.leaked) == (True, 240, "")
    given = ("train", "validation", "test")
    with_own = prepared.model_copy(update={"given_splits": given, "leaked": {"validation": 0, "test": 7}})
    fixed = stored_plan(open_study(begun(PARAMETERS, with_own)))
    assert (fixed.redraws, fixed.images, fixed.leaked) == (False, 50, "7 of 60 test images")


def test_a_comparison_of_before_there_were_rounds_is_tuned_and_not_confirmed(study: str) -> None:
    older = {name: value for name, value in PARAMETERS.recorded().items() if name not in ("looks", "extend", "margin")}
    mlflow_client.send_now(study, Tags(tags={PARAMETERS_TAG: json.dumps(older)}))
    assert stored_parameters(open_study(study)) == PARAMETERS.model_copy(update={"extend": False})
    for trial in trainings(PARAMETERS):
        trained(study, trial, 0.5, 0.9)
    result = report(study)[0]
    assert not result.answer.confirmed
    assert "nothing is confirmed" in result.verdict[0]
    assert missing(stored_parameters(open_study(study)), study) == []


def test_what_failed_in_this_process_is_not_run_again_by_it(study: str) -> None:
    first, *others = trainings(PARAMETERS)
    trained(study, first, 0.5, error=RuntimeError("broke"))
    plan = stored_plan(open_study(study))
    assert [trial for _, trial in next_trials(PARAMETERS, study, plan, failed=[first])] == others
    assert next_trials(PARAMETERS, study, plan, failed=[first, *others]) == []


def test_what_is_no_comparison_is_refused(study: str) -> None:
    trial = trained(study, trainings(PARAMETERS)[0], 0.5, 0.6)
    with pytest.raises(InputError, match=f"is not a comparison; it is a trial of {study}"):
        open_study(trial)
    with pytest.raises(InputError, match="has no run 'nothing'"):
        open_study("nothing")


def test_a_comparison_goes_on_with_its_own_parameters_and_other_workers(study: str) -> None:
    resumed = resumed_study({"resume": study, "workers": 5, "epochs": "2"})
    assert resumed.recorded() == PARAMETERS.recorded()
    assert (resumed.resume, resumed.workers) == (study, 5)
    with pytest.raises(InputError, match=r"epochs: received 3, but run .* was started with 2"):
        resumed_study({"resume": study, "epochs": 3})


def missing(p: CompareParameters, study: str) -> list[TrainParameters]:
    return [trial for _, trial in next_trials(p, study, stored_plan(open_study(study)))]


def test_what_is_not_finished_is_missing(study: str, prepared: PreparedDataset) -> None:
    first, second, third, fourth = trainings(PARAMETERS)
    trained(study, first, 0.5, 0.6)
    trained(study, second, 0.5, error=RuntimeError("broke"))
    trained(study, third, 0.5, error=KeyboardInterrupt())
    trained(begun(PARAMETERS, prepared), fourth, 0.5, 0.6)  # of another study
    assert missing(PARAMETERS, study) == [second, third, fourth]
    assert [run.status for run in find_trials(study, first)] == ["FINISHED"]


def test_a_comparison_belongs_to_the_data_that_it_began_with(study: str, prepared: PreparedDataset) -> None:
    assert study_dataset(study) == BoundDataset.of(prepared)
    assert STUDY_DATASET_TAG not in study_tags(
        resumed_study({"resume": study}), prepared
    )  # said once, at its beginning


def test_all_trials_of_a_comparison_begin_with_the_same_weights(workplace: Path, prepared: PreparedDataset) -> None:
    path = workplace / "mine.keras"
    path.write_bytes(b"weights")
    p = PARAMETERS.model_copy(update={"weights": str(path)})
    study, trial = begun(p, prepared), trainings(p)[0]
    require_weights_of_study(study, trial.weights)
    path.write_bytes(b"other weights")
    with pytest.raises(InputError, match=f"mine.keras' held other weights when the comparison {study} began"):
        train_trial(trial, study, "tune")
    with pytest.raises(InputError, match="held other weights"):
        compare.fn(**{**p.model_dump(), "resume": study, "weights": str(path)})
    assert find_trials(study) == []


def test_trials_on_other_data_are_other_trials(study: str, prepared: PreparedDataset) -> None:
    other = begun(PARAMETERS, prepared.model_copy(update={"digest": "other data"}))
    trial = trainings(PARAMETERS)[0]
    assert trial_digest(study, trial) == digest_of(trial, prepared.digest)
    assert trial_digest(other, trial) == digest_of(trial, "other data") != trial_digest(study, trial)


@pytest.mark.usefixtures("workplace")
def test_a_comparison_of_an_older_version_goes_on_under_its_own_names(prepared: PreparedDataset) -> None:
    study, (first, *others) = begun(PARAMETERS, prepared, older=True), trainings(PARAMETERS)
    assert trial_digest(study, first) == digest_of(first, "")
    trained(study, first, 0.5, 0.6)
    assert missing(PARAMETERS, study) == others
    bound = study_dataset(study)
    assert bound
    assert (bound.digest, bound.directory) == (prepared.digest[:12], prepared.directory)
    assert (bound.location, bound.examples) == (prepared.location, prepared.examples)
    assert bound.prepared_copy() == prepared


def test_what_is_bound_to_thousands_of_classes_fits_a_tag(prepared: PreparedDataset) -> None:
    many = prepared.model_copy(update={"classes": tuple(f"class number {number}" for number in range(3000))})
    assert len(study_tags(PARAMETERS, many)[STUDY_DATASET_TAG]) < 5000


def test_trials_that_an_older_version_let_differ_in_their_data_do_not_meet(
    study: str, prepared: PreparedDataset, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third, _ = trainings(PARAMETERS)
    same = {trained(study, trial, 0.5, 0.6, on=prepared) for trial in (first, third)}
    trained(study, second, 0.5, 0.9, on=prepared.model_copy(update={"digest": "other data"}))
    assert {trial.run_id for trial in read_trials(find_trials(study))} == same
    assert (
        f"1 trial of this comparison trained on other data (digests other data) than most ({prepared.digest[:12]})"
        in (caplog.text)
    )


def test_trials_are_read_back_as_they_were(study: str) -> None:
    first, second, third, _ = trainings(PARAMETERS)
    run_id = trained(study, first, 0.5, 0.75)
    trained(study, second, 0.5, error=RuntimeError("broke"))
    trained(study, third, 0.5, error=KeyboardInterrupt())  # came to nothing yet
    completed, failed = sorted(read_trials(find_trials(study)), key=lambda trial: trial.outcome)
    assert (completed.run_id, completed.optimizer, completed.learning_rate) == (run_id, "sgd", 0.1)
    assert (completed.outcome, completed.reason, completed.steps_per_epoch) == ("completed", "", 5)
    assert (completed.train_loss, completed.validation_accuracy) == ((0.5, 0.25), (0.5, 0.75))
    assert completed.epoch_seconds == (2.0, 2.0)
    assert (failed.outcome, failed.reason) == ("failed", "RuntimeError: broke")


@pytest.mark.usefixtures("workplace")
def test_a_comparison_about_another_metric_reads_and_ranks_by_that(prepared: PreparedDataset, tmp_path: Path) -> None:
    about = PARAMETERS.model_copy(update={"metric": "macro_f1", "target": 0.4})
    study = begun(about, prepared)
    for trial in trainings(about):
        run_id = trained(study, trial, 0.5, 0.9 if trial.optimizer == "adam" else 0.7)
        record.log_metrics(run_id, {"test_accuracy": 0.75, "test_macro_f1": 0.25})
    result, comparison, facts = report(study, tmp_path)
    finals = {(trial.optimizer, trial.score, trial.validation_accuracy[-1]) for trial in comparison.trials}
    assert finals == {("adam", 0.45, 0.9), ("sgd", 0.35, 0.7)}
    assert (result.metric, comparison.metric, facts.test) == (
        "macro_f1",
        "macro_f1",
        {"test/macro_f1": 0.25, "seeds": 2},
    )
    best = result.contenders[0]
    assert (best.label, best.median, best.reached) == ("adam", 0.45, 2)
    assert "macro F1 0.2500" in result.summary()
    assert "accuracy" not in result.summary()
    assert open_study(study).tags["compare.metric"] == "macro_f1"


def test_of_a_trial_that_was_started_anew_the_run_that_finished_counts(study: str) -> None:
    trial = trainings(PARAMETERS)[0]
    finished = trained(study, trial, 0.5, 0.75)
    trained(study, trial, 0.5, error=RuntimeError("broke"))
    (read,) = read_trials(find_trials(study))
    assert (read.run_id, read.outcome) == (finished, "completed")


def test_the_chosen_runs_are_those_of_the_best_setting(study: str) -> None:
    runs = {
        trial: trained(study, trial, 0.5, 0.9 if trial.optimizer == "adam" else 0.6) for trial in trainings(PARAMETERS)
    }
    chosen = chosen_runs(compare_trials(stored_plan(open_study(study)), read_trials(find_trials(study))))
    assert sorted(chosen) == sorted(run_id for trial, run_id in runs.items() if trial.optimizer == "adam")
    assert chosen_runs(compare_trials(stored_plan(open_study(study)), [])) == []


def test_the_way_on_from_a_trial_is_that_of_its_comparison(study: str) -> None:
    assert resume_command("a run", tags_of(trainings(PARAMETERS)[0], study, "tune")) == command(
        "compare", "--resume", study
    )
    assert resume_command("0a1b", {}) == command("train", "--resume", "0a1b")
    assert resume_command("0a1b", {"run.flow": "compare"}) == command("compare", "--resume", "0a1b")


def test_trials_that_differ_in_their_seeds_alone_are_of_one_setting() -> None:
    varied = CompareParameters(
        optimizers=("adam",), learning_rates=(0.001, 0.1), losses=("softmax_cross_entropy", "mse"), batch_sizes=(32, 64)
    )
    settings = {
        (trial.learning_rate, trial.loss, trial.batch_size): setting_of(trial) for trial in reversed(trainings(varied))
    }
    assert len(set(settings.values())) == len(settings) == 8
    assert {setting_of(trial) for trial in trainings(varied)} == set(settings.values())
    assert settings[0.001, "softmax_cross_entropy", 32] == "adam 0.001"
    assert settings[0.1, "mse", 64] == "adam 0.1 loss=mse batch_size=64"


def test_an_answer_that_lacks_a_trial_says_so_first(study: str, tmp_path: Path) -> None:
    first, second, third, _ = trainings(PARAMETERS)
    for trial in (first, second, third):
        trained(study, trial, 0.5, 0.8)
    result, comparison, _ = report(study, tmp_path)
    assert result.trials == {"ended": 3, "completed": 3, "diverged": 0, "failed": 0}
    lacking = "So far completed 3, diverged 0, failed 0: 1 trial has no result"
    assert result.summary().startswith(lacking)
    assert f"compare --resume {study}" in result.summary().splitlines()[0]
    assert result.summary().splitlines()[1] == comparison.verdict[0]
    trained(study, trainings(PARAMETERS)[3], 0.5, error=ValueError("a fault"))
    assert report(study, tmp_path)[0].incomplete == ""  # it failed, which is told otherwise


def test_the_accuracy_on_the_test_split_has_had_another_name(study: str) -> None:
    run_id = trained(study, trainings(PARAMETERS)[0], 0.5)
    assert mlflow_client.get_run(run_id).tested() is None
    record.log_metrics(run_id, {"test/accuracy": 0.25})
    assert mlflow_client.get_run(run_id).tested() == 0.25
    record.log_metrics(run_id, {"test_accuracy": 0.5})
    assert mlflow_client.get_run(run_id).tested() == 0.5
