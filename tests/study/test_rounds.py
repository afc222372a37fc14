"""What runs next depends on what was asked and on which trials have ended, and on nothing else."""

from __future__ import annotations

import itertools
import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from study.comparison import Trial
from study.plan import ContenderPlan, Plan, PlannedTrial
from study.rounds import next_round
from study.statistics import compare_trials
from tests.support.trials import contender_plan, ending, judged_by, plan_of, played, trial

IMAGES, JUDGING = 90, 30
RATES = {"below": (0.003, 0.001), "above": (0.3, 1.0)}
# Adam is best at a rate that has to be added; lion now and then diverges, and once fails.
SKILL = {"adam": (1.0, 0.95), "sgd": (0.03, 0.9), "lion": (0.01, 0.95)}


def plan_with(*contenders: ContenderPlan, looks: tuple[int, ...] = (3, 5, 8)) -> Plan:
    sizes = {"training_images": IMAGES - JUDGING, "validation_images": JUDGING}
    return plan_of(*contenders, looks=looks, margin=0.05, **sizes)


PLAN = plan_with(*(contender_plan(name, 0.01, 0.03, 0.1, **RATES) for name in SKILL))


def run(planned: PlannedTrial) -> Trial:
    """A trial whose result is a function of what it is, as that of a training is."""
    chance = random.Random(repr(planned))  # noqa: S311 - no secret
    best, skill = SKILL[planned.optimizer]
    diverges = planned.optimizer == "lion" and chance.random() < 0.1
    if planned.optimizer == "lion" and planned.seed == 1001:
        return ending(planned, outcome="failed", reason="no space left")
    skill -= 0.2 * abs(math.log10(planned.learning_rate / best))
    drawn = random.Random(planned.split_seed).sample(range(IMAGES), JUDGING)  # noqa: S311
    wrong = {example for example in sorted(drawn) if chance.random() > skill}
    made = judged_by(sorted(drawn), wrong, **planned.model_dump(exclude={"round"}))
    return made.model_copy(update={"outcome": "diverged" if diverges else "completed"})


def test_a_comparison_tunes_extends_confirms_and_ends() -> None:
    rounds = played(PLAN, run)
    kinds = [kind for kind, _ in itertools.groupby("confirm" if each[0].confirms else "tune" for each in rounds)]
    assert kinds == ["tune", "confirm"]
    trials = [*itertools.chain(*rounds)]
    keys = {(one.optimizer, one.learning_rate, one.seed) for one in trials}
    assert len(keys) == len(trials)
    assert {0.3, 1.0} < {rate for name, rate, _ in keys if name == "adam"}
    assert next_round(PLAN, trials) == ()
    comparison = compare_trials(PLAN, trials)
    assert comparison.answer.confirmed
    assert comparison.answer.leader == "adam"


@given(st.data())
@settings(max_examples=12)
def test_any_order_and_any_cut_give_the_same_trials_and_the_same_answer(data: st.DataObject) -> None:
    """However a round is cut short and asked for again, and in whatever order its trials end."""
    whole = [*itertools.chain(*played(PLAN, run))]
    chance = data.draw(st.randoms(use_true_random=False))
    ended: list[Trial] = []
    while planned := next_round(PLAN, ended):
        ended += map(run, chance.sample(planned, chance.randint(1 + len(planned) // 4, len(planned))))
        chance.shuffle(ended)
    assert {one.run_id for one in ended} == {one.run_id for one in whole}
    assert compare_trials(PLAN, ended).model_dump_json() == compare_trials(PLAN, whole).model_dump_json()


@given(st.data())
@settings(max_examples=25)
def test_the_order_of_the_trials_changes_no_round(data: st.DataObject) -> None:
    whole = [*itertools.chain(*played(PLAN, run))]
    some = data.draw(st.lists(st.sampled_from(whole), unique_by=lambda one: one.run_id))
    again = data.draw(st.permutations(some))
    assert next_round(PLAN, again) == next_round(PLAN, some)
    assert compare_trials(PLAN, again) == compare_trials(PLAN, some)


def test_a_study_can_grow() -> None:
    """With more looks, more seeds or another contender, what was run stays of use."""
    ended = [*itertools.chain(*played(PLAN, run))]
    longer = played(PLAN.model_copy(update={"looks": (3, 5, 8, 12)}), run)
    assert {one.run_id for one in ended} < {one.run_id for each in longer for one in each}
    more = next_round(PLAN.model_copy(update={"seeds": 3}), ended)
    assert {(one.round, one.seed) for one in more} == {("tune", 2)}
    wider = plan_with(*PLAN.contenders, contender_plan("adam", 0.01, batch_size=64))
    assert {one.batch_size for one in next_round(wider, ended)} == {64}


def test_nothing_is_confirmed_without_looks_or_where_nothing_was_learned() -> None:
    tuned = [trial(0.5, seed=seed) for seed in (0, 1)]
    assert next_round(plan_with(contender_plan("adam")), tuned)[0].round == "confirm"
    assert next_round(plan_with(contender_plan("adam"), looks=()), tuned) == ()
    assert next_round(plan_with(contender_plan("adam")), [trial(0.0, seed=seed) for seed in (0, 1)]) == ()


def test_what_does_the_same_comes_out_as_good_without_a_difference() -> None:
    """As adam, and adamw without decay."""
    plan = plan_with(*(contender_plan(name, 0.01, 0.1) for name in ("adam", "adamw")))
    trials = [
        *itertools.chain(*played(plan, lambda one: _named(run(one.model_copy(update={"optimizer": "adam"})), one)))
    ]
    answer = compare_trials(plan, trials).answer
    (rival,) = answer.rivals
    assert (answer.take, rival.label) == ("adam", "adamw")
    assert (rival.judgement, rival.difference) == ("as good", 0.0)


def test_an_optimizer_at_a_hundredth_of_its_rate_comes_out_worse() -> None:
    plan = plan_with(contender_plan("adam", 1.0), contender_plan("adam", 0.01, batch_size=64))
    trials = [*itertools.chain(*played(plan, run))]
    (rival,) = compare_trials(plan, trials).answer.rivals
    assert (rival.label, rival.judgement) == ("adam batch_size=64", "worse")


def _named(made: Trial, planned: PlannedTrial) -> Trial:
    return made.model_copy(update={"optimizer": planned.optimizer, "run_id": planned.optimizer + made.run_id})
