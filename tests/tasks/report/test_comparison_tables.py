"""A comparison as rows, and as Markdown."""

from __future__ import annotations

import pytest

from study.comparison import Comparison
from tasks.report import comparison_tables
from tasks.report.comparison_tables import summary_markdown, table_rows, trial_rows
from tasks.report.facts import ReportFacts
from tests.support.made_up_studies import compared, diverging, eight, one, study, trial, tuned_only, two

TUNED = [
    *(trial("adam", rate, seed, 0.5 + rate, 0.92, 0.95 + seed / 100) for rate in (0.1, 0.2) for seed in (0, 1, 2)),
    *(trial("sgd", 0.3, seed, 0.3, 0.4, 0.5 + seed / 100) for seed in (0, 1, 2)),
    trial("sgd", 0.6, 0, 0.3, outcome="diverged"),
    *(trial("sgd", 0.6, seed, outcome="failed") for seed in (1, 2)),
]
# Seed by seed sgd has 0.10, 0.12 and 0.11 less.
CONFIRMED = [
    *(trial("adam", 0.1, 1000 + n, 0.9, 0.97) for n in range(3)),
    *(trial("sgd", 0.3, 1000 + n, 0.3, 0.97 - less) for n, less in enumerate((0.10, 0.12, 0.11))),
]
FACTS = ReportFacts(
    study="the-study",
    name="compare",
    dataset="digits",
    dataset_examples={"train": 1294},
    epochs=3,
    seeds=3,
    trials_ended=12,
    made_with={},
    test={"test/accuracy": 0.9375, "seeds": 3},
    mlflow_url="",
    flow_run_url="",
    run_urls={},
    versions={},
)


def test_what_is_tuned_is_ranked_and_says_so() -> None:
    first, second = table_rows(compared(TUNED))
    assert (first["rank"], first["contender"], first["median"], first["seeds"]) == (1, "adam", "0.9600", "3 tuning")
    assert (first["epochs to target"], first["steps"], first["seconds"]) == ("2 [2, 2]", "14", "4.0")
    assert first["reached"] == "3 of 3"
    assert (second["contender"], second["diverged"], second["failed"]) == ("sgd", 1, 2)
    assert (second["epochs to target"], second["steps"], second["seconds"]) == ("not reached", "", "")
    assert "against the leader" not in first  # nothing was judged


def test_what_is_confirmed_is_set_against_the_leader() -> None:
    comparison = compared([*TUNED, *CONFIRMED], looks=(3,))
    first, second = table_rows(comparison)
    assert (first["seeds"], first["median"], first["against the leader"]) == ("3 confirm", "0.9700", "the leader")
    assert first["difference in points"] == ""
    assert (second["seeds"], second["against the leader"]) == ("3 confirm", "worse")
    interval = comparison.answer.rivals[0].interval
    assert interval is not None
    assert second["difference in points"] == f"-11 [{100 * interval[0]:.2f}, {100 * interval[1]:.2f}]"


def test_a_rival_without_a_confirm_seed_is_not_compared() -> None:
    failed = [trial("sgd", 0.3, 1000 + n, outcome="failed") for n in range(3)]
    _, second = table_rows(compared([*TUNED, *CONFIRMED[:3], *failed], looks=(3,)))
    assert (second["seeds"], second["against the leader"]) == ("3 tuning", "not compared")
    assert second["difference in points"] == ""


@pytest.mark.parametrize("made", [two, eight, one, tuned_only, diverging])
def test_the_order_is_that_of_tuning(made: object) -> None:
    assert callable(made)
    comparison = made()
    rows = table_rows(comparison)
    assert [(row["rank"], row["contender"]) for row in rows] == [
        (rank, contender.label) for rank, contender in enumerate(comparison.contenders, start=1)
    ]
    assert len({tuple(row) for row in rows}) == 1  # the same columns


@pytest.mark.parametrize("comparison", [two(), eight(), tuned_only()])
def test_the_markdown_says_verdict_doubt_and_cautions_and_has_the_table(comparison: Comparison) -> None:
    comparison = comparison.model_copy(update={"cautions": ("Beware of the dog.",)})
    markdown = summary_markdown(comparison, FACTS)
    lines = markdown.splitlines()
    assert lines[0] == f"- {comparison.verdict[0]}"
    for sentence in (*comparison.verdict, *comparison.doubt, *comparison.cautions):
        assert f"- {sentence}" in lines
    assert ("**How far it is known**" in lines) == bool(comparison.doubt)
    assert "**Cautions**" in lines
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert table[2] == [str(value) for value in table_rows(comparison)[0].values()]
    assert {len(row) for row in table} == {len(table_rows(comparison)[0])}


def test_without_doubt_or_cautions_the_markdown_has_no_word_of_them() -> None:
    comparison = two().model_copy(update={"doubt": (), "cautions": ()})
    assert not any(word in summary_markdown(comparison, FACTS) for word in ("known", "Cautions"))


def test_what_has_no_result_is_said_before_all_else() -> None:
    facts = FACTS.model_copy(update={"incomplete": "1 trial has no result."})
    assert summary_markdown(two(), facts).startswith("**1 trial has no result.**\n")
    assert FACTS.incomplete == ""


def test_the_test_split_is_spoken_of_where_it_was_asked() -> None:
    confirmed = comparison_tables.test_sentences({"test/accuracy": 0.9375, "seeds": 20}, "accuracy", confirmed=True)
    seen = "On the test split, which only the confirmed models of this contender have seen"
    assert confirmed == [f"{seen}: accuracy 0.9375, the median of 20 seeds."]
    (tuned,) = comparison_tables.test_sentences({"test/accuracy": 0.9375, "seeds": 1}, "accuracy", confirmed=False)
    assert tuned == "On the test split, which only this setting has seen: accuracy 0.9375, the median of 1 seed."
    assert comparison_tables.test_sentences(None, "accuracy", confirmed=True) == []
    assert confirmed[0] in summary_markdown(two(), FACTS).replace("3 seeds", "20 seeds")
    assert "test split" not in summary_markdown(two(), FACTS.model_copy(update={"test": None}))


def test_another_metric_is_named_and_has_columns_of_its_own() -> None:
    (sentence,) = comparison_tables.test_sentences({"test/macro_f1": 0.5, "seeds": 2}, "macro_f1", confirmed=False)
    assert sentence.endswith("macro F1 0.5000, the median of 2 seeds.")
    trials = [trial("adam", 0.1, seed, 0.8, 0.9, validation_score=(0.3, 0.4 + seed / 10)) for seed in (0, 1)]
    for row, seed in zip(trial_rows(compared(trials, metric="macro_f1")), (0, 1), strict=True):
        assert (row["final_validation_score"], row["validation_score"][0]) == (0.4 + seed / 10, 0.3)
        assert row["final_validation_accuracy"] == 0.9
    assert "final_validation_score" not in trial_rows(compared(trials))[0]


def test_each_trial_has_its_round_and_its_split() -> None:
    comparison = study({"adam": 0.97, "sgd": 0.96}, best={"sgd": 1.0}, slope=0.2)
    rows = trial_rows(comparison)
    added = {(setting.optimizer, setting.learning_rate) for setting in comparison.settings if setting.added}
    assert added
    for row, each in zip(rows, comparison.trials, strict=True):
        tuned = "extend" if (each.optimizer, each.learning_rate) in added else "tune"
        assert (row["run_id"], row["round"]) == (each.run_id, "confirm" if each.seed >= 1000 else tuned)
        assert row["split_seed"] == (each.seed if each.seed >= 1000 else 0)
        assert row["final_validation_accuracy"] == each.validation_accuracy[-1]
    assert {row["round"] for row in rows} == {"tune", "extend", "confirm"}
    given = comparison.model_copy(update={"redraws": False})
    assert {row["split_seed"] for row in trial_rows(given)} == {0}  # the data came with its validation images
