"""A comparison about another metric than accuracy: what it ranks by, and what it says."""

from __future__ import annotations

from study.metric import reached
from tests.support.made_up_studies import study, tuned_only
from tests.support.trials import compared, plan_of, trial


def test_the_metric_is_named_where_it_is_not_the_usual_one() -> None:
    assert reached(0.98, "accuracy") == "98 %"
    assert reached(0.98, "macro_f1") == "98 % of macro F1"


def test_a_trial_is_ranked_by_the_metric_and_not_by_accuracy() -> None:
    adam = [trial(0.9, 0.99, seed=seed, validation_score=(0.4, 0.5)) for seed in range(3)]
    sgd = [trial(0.5, 0.80, seed=seed, validation_score=(0.9, 0.7), optimizer="sgd") for seed in range(3)]
    comparison = compared([*adam, *sgd], metric="macro_f1", looks=())
    first, second = comparison.contenders
    assert (first.label, first.median, first.best_score, first.reached, first.epochs_to_target) == (
        *("sgd", 0.7, 0.9, 3, 1.0),
    )
    assert (second.label, second.median, second.reached) == ("adam", 0.5, 0)
    assert trial(validation_score=(0.7,), outcome="diverged").score == 0


def test_every_sentence_is_about_the_metric() -> None:
    undecided = {"adam": 0.97, "sgd": 0.965, "lion": 0.9}
    told = study(undecided, metric="macro_f1", diverging={"sgd": 0.15}, target=0.999)
    sentences = " ".join((*told.verdict, *told.doubt, *told.cautions))
    assert told.metric == "macro_f1"
    assert "accuracy" not in sentences
    assert "has a median final validation macro F1 of" in sentences
    assert "reaches 99.9 % of macro F1" in sentences
    assert "counted as macro F1 0" in sentences
    assert "of each image's influence on macro F1, to first order" in sentences
    tuned = study({"adam": 0.97}, metric="balanced_accuracy", looks=())
    assert "with a median final validation balanced accuracy of" in tuned.verdict[0]
    nothing = study({"adam": 0.0, "sgd": 0.0}, metric="macro_f1", slope=0.0, spread=0.0)
    assert nothing.verdict == ("Nothing is best: no setting has a median final validation macro F1 above 0.",)
    assert tuned_only().metric == "accuracy"


def test_a_trial_that_keeps_its_best_epoch_is_ranked_by_that() -> None:
    adam = [trial(0.9, 0.99, 0.5, seed=seed, keep="best") for seed in range(3)]
    sgd = [trial(0.95, 0.9, seed=seed, keep="best", optimizer="sgd") for seed in range(3)]
    comparison = compared([*adam, *sgd], looks=(), keep="best")
    assert [(one.label, one.median) for one in comparison.contenders] == [("adam", 0.99), ("sgd", 0.95)]
    assert trial(0.9, keep="best", outcome="diverged").score == 0
    assert "keep" not in adam[0].model_dump()


def test_what_scores_are_is_said_where_they_are_not_those_of_the_last_epoch() -> None:
    assert plan_of().keep == "last"
    told = study({"adam": 0.97, "sgd": 0.9}, keep="best")
    sentences = " ".join(told.verdict)
    assert "has a median best-epoch validation accuracy of" in sentences
    assert "final" not in sentences
    assert told.cautions[0].startswith("Each trial's score is that of the best of its epochs, chosen by the images")
    last = study({"adam": 0.97, "sgd": 0.9})
    assert not any("best of its epochs" in caution for caution in last.cautions)
