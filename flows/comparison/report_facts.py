"""What a comparison's page says beside the comparison itself: how it was made, and how to go on."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flows.comparison.growth import growth_in_words
from flows.comparison.stored_study import EXAMPLES_TAG, stored_parameters
from flows.parameters.compare import NOT_RECORDED, CompareParameters
from flows.parameters.shared import SharedParameters
from flows.parameters.signature import as_typed
from study.comparison import Comparison
from study.number_formats import counted
from study.verdict import incomplete
from tasks.foundation.commands import command
from tasks.report.facts import ReportFacts
from tasks.terminal.progress import in_words
from tasks.tracking.store import run_url
from tasks.tracking.stored_run import DATASET_TAG, FLOW_TAG, StoredRun, resume_command

SEEDS_STEP = 5  # looks are asked for in whole fives
MOST_SEEDS = 200  # that anybody is told to run; a day of digits


def facts_of(
    run: StoredRun, runs: Sequence[StoredRun], comparison: Comparison, *, missing: int, tested: Sequence[str]
) -> ReportFacts:
    """Return the facts.

    Args:
        run: The comparison's.
        runs: Those of its trials.
        comparison: What follows from them.
        missing: How many trials of the round have not ended.
        tested: The runs of what is recommended.
    """
    p, by_id = stored_parameters(run), {each.run_id: each for each in runs}
    lacking, resume = incomplete(comparison.trials, missing), resume_command(run.run_id, {FLOW_TAG: "compare"})
    scores = [score for run_id in tested if (score := by_id[run_id].tested(p.metric)) is not None]
    fixed = {name: getattr(p, name) for name in SharedParameters.model_fields}
    return ReportFacts(
        study=run.run_id,
        name=run.name,
        dataset=p.dataset,
        dataset_examples=json.loads(run.tags[EXAMPLES_TAG]),
        dataset_digest=run.tags.get(DATASET_TAG, ""),
        epochs=p.epochs,
        seeds=p.seeds,
        looks=p.looks or (),
        made_with={name: str(value) for name, value in fixed.items() if value is not None},
        command=compare_command(p),
        **_made(run),
        grown=growth_in_words(run),
        test={f"test/{p.metric}": statistics.median(scores), "seeds": len(scores)} if scores else None,
        mlflow_url=run_url(run.experiment_id, run.run_id),
        flow_run_url=run.tags.get("prefect.flow_run_url", ""),
        run_urls={each.run_id: run_url(each.experiment_id, each.run_id) for each in runs},
        trials_ended=len(comparison.trials),
        trials_missing=missing,
        incomplete=f"{lacking} Run what is missing: {resume}" if lacking else "",
        go_on=resume if lacking else _go_on(run.run_id, p, comparison),
    )


def _made(run: StoredRun) -> dict[str, Any]:
    """Return when, where and by what it was made, as far as its run says so."""
    dirty = " and changes to it" if run.tags.get("git.dirty") == "true" else ""
    return {
        "made_at": f"{datetime.fromtimestamp(run.started / 1000, UTC):%Y-%m-%d %H:%M} UTC" if run.started else "",
        "commit": run.tags.get("git.commit", "") + dirty,
        "machine": run.tags.get("processor", ""),
        "versions": {name.removeprefix("version."): run.tags[name] for name in run.tags if name.startswith("version.")},
    }


def compare_command(p: CompareParameters) -> str:
    """Return the command that makes such a comparison anew."""
    usual = CompareParameters()
    changed = {name: value for name, value in p if name not in NOT_RECORDED and value != getattr(usual, name)}
    words = [word for name, value in changed.items() for word in (f"--{name.replace('_', '-')}", as_typed(value))]
    return command("compare", *words)


def _go_on(study: str, p: CompareParameters, comparison: Comparison) -> str:
    """Return the command that makes the answer better known with the trials that are there, and its price."""
    if not comparison.contenders:
        return ""
    if not p.looks:
        return command("compare", "--resume", study, "--looks", as_typed(type(p).model_fields["looks"].default))
    undecided = [rival for rival in comparison.answer.rivals if rival.judgement == "undecided" and rival.doubt]
    wanted = [rival.doubt.seeds_to_decide for rival in undecided if rival.doubt and rival.doubt.seeds_to_decide]
    within_reach = [seeds for seeds in wanted if seeds <= MOST_SEEDS]
    if not within_reach:
        return ""
    seeds = SEEDS_STEP * math.ceil(max(*within_reach, p.looks[-1] + 1) / SEEDS_STEP)
    more = (seeds - p.looks[-1]) * (len(undecided) + 1)
    each = statistics.mean(sum(trial.epoch_seconds) for trial in comparison.trials if trial.confirms)
    looks = as_typed((*p.looks, seeds))
    return (
        f"{command('compare', '--resume', study, '--looks', looks)}"
        f"  # about {counted(more, 'trial')} more, {in_words(more * each)} of training"
    )
