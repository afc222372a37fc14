"""The command that promotes: on trainings that ran, killed at every step, and twice at once."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.support.preloaded import Preloaded
from tests.support.promotable_runs import PROMOTION_POINTS
from tests.support.recorded import FILES, recorded
from tests.support.running import Ended, Running

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

DATA = ("--dataset", "digits", "--image-size", 16)
OTHER_DATA = ("--limit-examples", 280, "--test", "false", "--keep-predictions", "false")


@dataclass
class Place:
    """A working directory in which models were trained, and the store that its commands use."""

    preloaded: Preloaded
    directory: Path
    database: Path
    old: str = ""
    new: str = ""
    untested: str = ""

    @property
    def store(self) -> str:
        return f"sqlite:///{self.database}"

    def start(self, *arguments: object, **settings: str) -> Running:
        environment = {**self.preloaded.environment, "MLFLOW_TRACKING_URI": self.store, **settings}
        words = ["-m", "flows", *map(str, arguments)]
        return Running(words, self.directory, environment, self.preloaded.start)

    def train(self, *arguments: object) -> str:
        ended = self.start("train", *DATA, *arguments, "--json").ended()
        assert ended.status == 0, ended
        return str(json.loads(ended.out)["run_id"])

    def promote(self, *arguments: object, **settings: str) -> Ended:
        return self.start("promote", *arguments, "--name", "digits", **settings).ended()

    def aliases(self) -> dict[str, str]:
        """The run that each alias stands for."""
        client = MlflowClient(self.store)
        found = client.get_registered_model("digits").aliases
        return {alias: str(client.get_model_version("digits", str(number)).run_id) for alias, number in found.items()}

    def copy(self, directory: Path) -> Place:
        """The same with a store of its own, which knows all that this one knows by now."""
        shutil.copy(self.database, directory / "mlflow.db")
        for predictions in (self.directory / "mlartifacts").rglob(f"{self.untested}/artifacts/test_predictions.npz"):
            predictions.unlink()  # what another test has asked it, whose store knows of that
        return Place(self.preloaded, self.directory, directory / "mlflow.db", self.old, self.new, self.untested)


@pytest.fixture(scope="module")
def place(preloaded: Preloaded, empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One model that has learned nothing, which is champion, one that is better, and one of other data, not tested."""
    directory = tmp_path_factory.mktemp("promotions")
    made = Place(preloaded, directory, Path(shutil.copy(empty_store, directory / "mlflow.db")))
    made.old = made.train("--limit-examples", 300, "--optimizer", "sgd", "--learning-rate", 1e-5, "--epochs", 1)
    made.new = made.train("--limit-examples", 300, "--optimizer", "adam", "--epochs", 6)
    made.untested = made.train("--optimizer", "adam", "--epochs", 6, *OTHER_DATA)
    first = made.promote(made.old)
    assert first.status == 0, first
    assert "It is the first champion of that name: there was nothing to judge it against." in first.out
    return made


def test_a_better_one_is_promoted_and_a_worse_one_is_not(place: Place, tmp_path: Path) -> None:
    here = place.copy(tmp_path)
    said = here.promote(here.new, "--json")
    assert (said.status, said.left) == (0, []), said
    result = json.loads(said.out)
    assert (result["outcome"], result["champion"], result["previous"]) == ("promoted", "2", "1")
    assert result["judgement"]["images"] == 60
    assert result["judgement"]["interval"][0] > 0
    assert "\n".join(result["sentences"]) in said.err
    assert here.aliases() == {"champion": here.new, "previous": here.old}

    refused = here.promote(here.old)
    assert refused.status == 1, refused
    assert "Not promoted, because it is not better than the champion in accuracy: on the same 60 test" in refused.out
    assert "This test set has judged 1 promotion; the more often" in refused.out  # of the same two, the other way round
    back = here.promote("--back")
    assert (back.status, back.out) == (
        0,
        "Version 1 of 'digits' is champion again; version 2 is the previous one now.\n",
    )
    assert here.aliases() == {"champion": here.old, "previous": here.new}


def test_what_nobody_has_tested_is_asked_once_and_so_is_a_champion_of_other_data(place: Place, tmp_path: Path) -> None:
    here = place.copy(tmp_path)
    assert "test_accuracy" not in recorded(here.store, here.untested).points
    said = here.promote(here.untested)
    assert said.status == 0, said
    assert "has kept no predictions of its test images: its model is asked, once." in said.out
    assert (
        "The model in use was tested on other data: it is asked about the test images of the new one, some" in said.out
    )
    assert "This test set has judged 1 promotion;" in said.out
    found = recorded(here.store, here.untested)
    of_validation = {"predictions.npz", "classes_validation.csv"}
    assert set(found.files) == set(FILES) - of_validation
    assert [step for step, _ in found.points["test_accuracy"]] == [0]
    again = here.promote(here.untested)
    assert (again.status, "is asked" in again.out) == (0, False), again
    assert recorded(here.store, here.untested).points == found.points


@pytest.mark.parametrize("point", sorted(PROMOTION_POINTS))
def test_a_promotion_that_is_killed_is_finished_by_the_next(point: str, place: Place, tmp_path: Path) -> None:
    here = place.copy(tmp_path)
    assert here.promote(here.new, CRASH_AT=point).status == -signal.SIGKILL
    assert here.aliases()["champion"] in (here.old, here.new)
    said = here.promote(here.new)
    assert said.status == 0, said
    assert here.aliases() == {"champion": here.new, "previous": here.old}
    client = MlflowClient(here.store)
    assert [version.version for version in client.search_model_versions(f"run_id = '{here.new}'")] == [2]
    assert client.get_registered_model("digits").tags == {}
    judged = [tag for tag in client.get_run(here.new).data.tags if tag.startswith("judged.against.")]
    assert judged == [f"judged.against.{here.old}"]


def test_of_two_at_once_one_name_has_one_champion(place: Place, tmp_path: Path) -> None:
    here = place.copy(tmp_path)
    asked = [here.start("promote", run, "--name", "digits") for run in (here.new, here.untested)]
    ended = [running.ended() for running in asked]
    assert 0 in {each.status for each in ended} <= {0, 1}, ended
    aliases = here.aliases()
    assert aliases["champion"] in (here.new, here.untested)
    assert aliases["previous"] != aliases["champion"]


def test_bad_input_is_told_before_anything_is_done(place: Place, tmp_path: Path) -> None:
    here = place.copy(tmp_path)
    unknown = here.promote("0" * 32)
    assert unknown.status == 2
    assert f"has no run '{'0' * 32}'" in unknown.err
    wrong = here.start("promote", here.new, "--name", "a/b").ended()
    assert (wrong.status, "name: received 'a/b'; allowed: letters" in wrong.err) == (2, True), wrong
