"""A model is named by its run, by the comparison that recommends it, or as it is registered."""

from __future__ import annotations

import pytest

from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client, model_names
from tasks.tracking.model_names import run_of_model
from tasks.tracking.stored_run import FLOW_TAG, RECOMMENDED_TAG, StoredRun

TAGS = {
    "a run": {FLOW_TAG: "train"},
    "of another": {},
    "a study": {FLOW_TAG: "compare", RECOMMENDED_TAG: "a run"},
    "an incomplete study": {FLOW_TAG: "compare"},
    "a study of old": {FLOW_TAG: "compare", RECOMMENDED_TAG: "removed"},
    "the run of champion": {},
    "the run of 3": {},
}


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_run(run_id: str) -> StoredRun:
        if run_id not in TAGS:
            raise InputError(f"the MLflow store 'here' has no run {run_id!r}")
        return StoredRun(run_id, "1", "name", "FINISHED", TAGS[run_id], {}, {})

    def registered_run(name: str, alias_or_version: str) -> str:
        if name != "lenet":
            raise InputError(f"the registry 'here' has no model {name!r}")
        return f"the run of {alias_or_version}"

    monkeypatch.setattr(mlflow_client, "get_run", get_run)
    monkeypatch.setattr(model_names, "registered_run", registered_run)


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("a run", "a run"),
        ("of another", "of another"),
        ("a study", "a run"),
        ("lenet@champion", "the run of champion"),
        ("lenet/3", "the run of 3"),
        ("models:/lenet@champion", "the run of champion"),
        ("models:/lenet/3", "the run of 3"),
        ("runs:/a run/model", "a run"),
        ("runs:/a study/model", "a run"),
    ],
)
def test_a_model_is_named_by_its_run_its_study_or_as_it_is_registered(text: str, run: str) -> None:
    assert run_of_model(text) == run


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing", "the MLflow store 'here' has no run 'nothing'"),
        ("other@champion", "the registry 'here' has no model 'other'"),
        ("models:/lenet", "an alias or a version is missing"),
        ("runs:/nothing/model", "the MLflow store 'here' has no run 'nothing'"),
        ("runs:/a run/other", "name: received 'runs:/a run'; allowed: letters, digits"),
        ("a:b@champion", "name: received 'a:b'; allowed: letters, digits"),
        ("a study of old", "the MLflow store 'here' has no run 'removed'"),
        ("lenet@previous", "the MLflow store 'here' has no run 'the run of previous'"),
        ("lenet@", "the MLflow store 'here' has no run 'lenet@'"),
    ],
)
def test_what_is_not_there_is_told_with_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises(InputError, match=f"model: received '{text}'; allowed: the id of a run, .* But {told}"):
        run_of_model(text)


def test_a_comparison_that_recommends_nothing_is_told_with_the_command_that_goes_on_with_it() -> None:
    told = "the comparison 'an incomplete study' recommends no run: .* compare --resume 'an incomplete study', or give"
    with pytest.raises(InputError, match=told):
        run_of_model("an incomplete study")
