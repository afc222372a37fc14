"""A promotion from end to end, in a real store, of runs that nobody trained."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.parameters.promote import PromoteParameters
from flows.parameters.signature import validated
from flows.promotion.promotion import concluded, declined, judged, promote
from flows.promotion.result import PromotionResult
from tasks.foundation.errors import InputError
from tasks.tracking.kept_predictions import TEST_PREDICTIONS_FILE
from tasks.tracking.mlflow_registry import find_model, registered_run, registered_version
from tasks.tracking.stored_run import RECOMMENDED_TAG
from tests.support.promotable_runs import finished_run
from tests.support.store import store

pytestmark = pytest.mark.usefixtures("workplace")

IMAGES = 200


def hits(right: int) -> list[bool]:
    """Which of the test images are right: the first of them."""
    return list(np.arange(IMAGES) < right)


def promoted(run: str, name: str = "pets", **given: Any) -> PromotionResult:
    return promote(validated(PromoteParameters, {"run": run, "name": name, **given}))


def aliases(name: str = "pets") -> dict[str, str]:
    model = find_model(name)
    return model.aliases if model else {}


def test_the_first_is_champion_without_a_judgement_and_says_so() -> None:
    run = finished_run(hits(150))
    result = promoted(run)
    assert (result.outcome, result.version, result.champion, result.previous) == ("first", "1", "1", None)
    assert (result.judgement, result.judgements, result.done) == (None, None, True)
    assert result.sentences == (
        f"Run {run} (a run) is version 1 of 'pets'.",
        "It is the first champion of that name: there was nothing to judge it against.",
    )
    assert registered_run("pets", "champion") == run


def test_a_better_one_takes_its_place_and_the_old_one_is_previous() -> None:
    old, new = finished_run(hits(150)), finished_run(hits(170))
    promoted(old)
    result = promoted(new)
    assert (result.outcome, result.champion, result.previous) == ("promoted", "2", "1")
    assert aliases() == {"champion": "2", "previous": "1"}
    assert result.judgement
    assert (result.judgement.images, result.judgement.only_new, result.judgement.only_champion) == (200, 20, 0)
    assert result.sentences[1].startswith("Promoted, because it is better than the champion")
    assert "20 discordant pairs (20 to 0), so a difference in accuracy of 10 points" in result.sentences[1]
    assert result.sentences[1].endswith("Version 1 is the previous one now.")
    assert result.sentences[2].startswith("This test set has judged 1 promotion; the more often")
    assert "discordant" in registered_version("pets", "2").tags["promotion.judged"]


@pytest.mark.parametrize(("right", "why"), [(150, "not better than"), (149, "not better than"), (152, "may be worse")])
def test_one_that_is_not_better_is_registered_and_nothing_moves(right: int, why: str) -> None:
    promoted(finished_run(hits(150)))
    new = finished_run(hits(right))
    result = promoted(new)
    assert (result.outcome, result.done, result.champion, result.version) == ("refused", False, "1", "2")
    assert result.sentences[1].startswith("Not promoted, because it ")
    assert why in result.sentences[1]
    assert re.search(r"on the same 200 test images .* discordant pairs? .* points \[.*\], p = ", result.sentences[1])
    assert aliases() == {"champion": "1"}
    assert registered_run("pets", "2") == new
    assert why in registered_version("pets", "2").tags["promotion.refused"]


def test_the_margin_lets_one_pass_that_is_better_and_may_be_a_little_worse() -> None:
    promoted(finished_run(hits(150)))
    assert promoted(run := finished_run(hits(152)), margin=0.0).outcome == "refused"
    assert promoted(run, margin=0.02).outcome == "promoted"
    assert aliases() == {"champion": "2", "previous": "1"}


def test_who_forces_it_is_in_a_tag() -> None:
    promoted(finished_run(hits(150)))
    result = promoted(finished_run(hits(100)), force=True)
    assert (result.outcome, result.champion, result.done) == ("forced", "2", True)
    assert result.sentences[1].startswith("Promoted because that was forced, although it is not better than the champ")
    forced = registered_version("pets", "2").tags["promotion.forced"]
    assert re.match(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d UTC by {getpass.getuser()}@\S+, although it is not better", forced)
    assert result.judgements == 1


def test_force_is_not_noted_where_it_was_not_needed() -> None:
    promoted(finished_run(hits(150)))
    assert promoted(finished_run(hits(180)), force=True).outcome == "promoted"
    assert "promotion.forced" not in registered_version("pets", "2").tags


def test_asking_again_changes_nothing_and_counts_once() -> None:
    old, new = finished_run(hits(150)), finished_run(hits(151))
    promoted(old)
    first, again = promoted(new), promoted(new)
    assert first == again
    assert (first.outcome, first.judgements) == ("refused", 1)
    assert promoted(old).outcome == "already"
    assert aliases() == {"champion": "1"}


def test_what_is_told_of_the_aliases_is_what_they_are_where_nothing_moves() -> None:
    promoted(finished_run(hits(150)))
    promoted(champion := finished_run(hits(180)))
    for run, outcome in ((finished_run(hits(100)), "refused"), (champion, "already")):
        result = promoted(run)
        assert (result.outcome, result.champion, result.previous) == (outcome, "2", "1")


def test_two_runs_that_are_judged_the_other_way_round_count_once() -> None:
    promoted(old := finished_run(hits(150)))
    promoted(finished_run(hits(180)))
    promote(validated(PromoteParameters, {"name": "pets", "back": True}))
    assert promoted(finished_run(hits(100))).judgements == 2
    promote(validated(PromoteParameters, {"name": "pets", "back": True}))
    assert promoted(old).judgements == 2


def test_judgements_are_counted_over_all_names_and_deleted_runs_too() -> None:
    a, b, c = (finished_run(hits(right)) for right in (150, 151, 152))
    promoted(a)
    promoted(a, name="others")
    assert promoted(b).judgements == 1
    assert promoted(b, name="others").judgements == 1  # the same two runs on the same images: the same answer
    store().delete_run(b)
    assert promoted(c, name="others").judgements == 2
    elsewhere = [finished_run(hits(150), digest="0" * 64), finished_run(hits(160), digest="0" * 64)]
    promoted(elsewhere[0], name="a third")
    assert promoted(elsewhere[1], name="a third").judgements == 1


def test_that_a_run_is_deleted_is_told(caplog: pytest.LogCaptureFixture) -> None:
    promoted(old := finished_run(hits(150)))
    store().delete_run(old)
    assert promoted(finished_run(hits(180))).outcome == "promoted"
    assert caplog.text.count(f"Run {old} is deleted in MLflow") == 1


def test_a_run_that_is_deleted_takes_no_record_and_is_not_promoted() -> None:
    promoted(finished_run(hits(150)))
    new = finished_run(hits(180))
    store().delete_run(new)
    with pytest.raises(InputError, match=f"run {new} is deleted in MLflow .* `mlflow runs restore --run-id {new}`"):
        promoted(new)
    assert aliases() == {"champion": "1"}


def test_a_champion_that_is_deleted_and_has_kept_nothing_cannot_be_judged() -> None:
    promoted(old := finished_run(hits(150)))
    next(Path("mlartifacts").rglob(TEST_PREDICTIONS_FILE)).unlink()
    store().delete_run(old)
    result = promoted(finished_run(hits(180)))
    assert (result.outcome, result.judgement) == ("refused", None)
    assert f"it cannot be compared with the champion: run: run {old} is deleted in MLflow" in result.sentences[1]


def test_going_back_takes_the_previous_one_and_needs_no_run() -> None:
    promoted(old := finished_run(hits(150)))
    promoted(finished_run(hits(180)))
    result = promote(validated(PromoteParameters, {"name": "pets", "back": True}))
    assert (result.outcome, result.champion, result.previous) == ("back", "1", "2")
    assert result.summary() == "Version 1 of 'pets' is champion again; version 2 is the previous one now."
    assert registered_run("pets", "champion") == old
    assert " UTC by " in registered_version("pets", "1").tags["promotion.back"]


def test_a_comparison_promotes_the_run_that_it_recommends() -> None:
    recommended = finished_run(hits(150))
    study = finished_run(None, model=False, tags={RECOMMENDED_TAG: recommended})
    assert promoted(study).run_id == recommended


def test_other_classes_are_refused_whatever_is_forced() -> None:
    promoted(finished_run(hits(150)))
    # Of the same images in one experiment MLflow keeps the description that came first: the table has what holds.
    for classes, made, told in (
        (("dog", "cat"), {"table": True}, "Label 0: the new one calls it 'dog', the champion calls it 'cat'"),
        (("cat", "dog", "hen"), {"digest": "0" * 64}, "Label 2: the new one calls it 'hen', the champion has it not"),
    ):
        other = finished_run(hits(180), classes=classes, **made)
        with pytest.raises(InputError, match=told):
            promoted(other, force=True)
    assert aliases() == {"champion": "1"}
    model = find_model("pets")
    assert model
    assert model.latest == "1"


def test_other_data_cannot_be_judged_where_its_images_are_not_at_hand() -> None:
    promoted(finished_run(hits(150)))
    other = finished_run(hits(180), digest="abc" + "0" * 61)
    result = promoted(other)
    assert (result.outcome, result.judgement, result.judgements) == ("refused", None, None)
    assert "it cannot be compared with the champion: run" in result.sentences[1]
    assert "was tested on other data (digest abc000000000) than run" in result.sentences[1]
    assert "are not on this machine" in result.sentences[1]
    assert promoted(other, force=True).outcome == "forced"
    assert aliases() == {"champion": "2", "previous": "1"}


def test_images_of_another_size_cannot_be_judged() -> None:
    promoted(finished_run(hits(150)))
    result = promoted(finished_run(hits(180), digest="abc" + "0" * 61, image_shape=(32, 32, 1)))
    assert "takes other images (16 x 16 x 1, and not 32 x 32 x 1)" in result.sentences[1]


def test_a_champion_that_others_registered_without_its_run_cannot_be_judged() -> None:
    store().create_registered_model("pets")
    store().create_model_version("pets", "file:///somewhere")
    store().set_registered_model_alias("pets", "champion", "1")
    result = promoted(finished_run(hits(150)))
    assert "the run of version 1 of 'pets' is not known, or was deleted" in result.sentences[1]
    assert aliases() == {"champion": "1"}


def test_predictions_of_other_images_are_not_paired() -> None:
    promoted(finished_run(hits(150)))
    result = promoted(finished_run(hits(150)[:100]))
    assert "kept predictions of other test images" in result.sentences[1]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"tags": {"outcome": "diverged"}}, "is FINISHED with the outcome 'diverged'; only a training that has comp"),
        ({"model": False}, "has no model in the MLflow store"),
    ],
)
def test_a_run_without_a_model_is_told(made: dict[str, Any], told: str) -> None:
    run = finished_run(hits(10), **made)
    with pytest.raises(InputError, match=told):
        promoted(run)
    assert aliases() == {}


def test_a_run_that_has_kept_nothing_and_whose_images_are_gone_is_told() -> None:
    run = finished_run(None)
    with pytest.raises(InputError, match=r"has not kept what its model says .*_predictions.npz.* \('nowhere'\); put"):
        promoted(run)
    assert find_model("pets") is None


def test_another_metric_is_told_and_not_judged() -> None:
    promoted(finished_run(hits(150)))
    new = finished_run(hits(180))
    store().log_param(new, "metric", "macro_f1")
    store().log_metric(new, "test_macro_f1", 0.5)
    said = promoted(new).sentences
    assert said[2] == (
        "What is judged is accuracy, which the test is about; in macro F1, for which the run was made, the new model "
        "has 0.5000 and the champion unknown on its test images, and nothing is concluded from that."
    )


def test_a_person_who_says_no_leaves_all_as_it_was() -> None:
    promoted(finished_run(hits(150)))
    case = judged(validated(PromoteParameters, {"run": finished_run(hits(180)), "name": "pets"}))
    result = declined(case, "too slow")
    assert (result.outcome, result.done, result.champion) == ("declined", False, "1")
    assert aliases() == {"champion": "1"}
    assert registered_version("pets", "2").tags["promotion.declined"] == "too slow"
    assert concluded(case, approved="fine").outcome == "promoted"
    assert registered_version("pets", "2").tags["promotion.approved"] == "fine"
