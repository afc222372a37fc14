"""A comparison may be asked for more than at first, once it is gone on with: more seeds, looks or contenders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flows.comparison.stored_study import PARAMETERS_TAG, open_study, stored_values
from flows.lifecycle.resume import as_stored
from flows.parameters.compare import NOT_RECORDED, CompareParameters
from flows.parameters.signature import validated
from tasks.foundation.errors import InputError
from tasks.tracking.stored_run import StoredRun

GROWN_TAG = "compare.grown"  # each time: when, and which parameters became what
SETS = ("optimizers", "losses", "batch_sizes", "looks")  # may have more of them, and none less
MAY_GROW = (*SETS, "seeds")


def resumed_study(given: Mapping[str, Any]) -> CompareParameters:
    """Return the parameters of the comparison ``given["resume"]``, with the workers, and the growth, of now.

    Raises:
        InputError: it is no comparison, it would shrink, or the rest of ``given`` differs from what it was made with.
    """
    study = str(given["resume"])
    stored = stored_values(open_study(study))
    wanted = validated(CompareParameters, {**stored, **given})
    for name in MAY_GROW:
        if name in given:
            _require_growth(name, stored[name], getattr(wanted, name))
    return as_stored(CompareParameters, study, stored, given, may_differ={*NOT_RECORDED, *MAY_GROW})


def growth_tags(p: CompareParameters) -> dict[str, str]:
    """Return the tags that say what `resumed_study` lets a comparison be asked for beyond what it was; none if nothing.

    They are written once the comparison goes on, so that nothing of one that is refused is touched.
    """
    run = open_study(str(p.resume))
    before, after = stored_values(run), json.loads(json.dumps(p.recorded()))
    changed = {name: [before[name], after[name]] for name in MAY_GROW if before[name] != after[name]}
    if not changed:
        return {}
    entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "changed": changed}
    return {PARAMETERS_TAG: json.dumps(p.recorded()), GROWN_TAG: json.dumps([*_history(run), entry])}


def growth_in_words(run: StoredRun) -> str:
    """Say when a comparison has grown, and how; nothing if it has not."""
    said = [
        f"{entry['at'][:10]}: "
        + ", ".join(
            f"{name} {_shown(before)} became {_shown(after)}" for name, (before, after) in sorted(changed.items())
        )
        for entry in _history(run)
        if (changed := entry["changed"])
    ]
    if not said:
        return ""
    return f"This comparison has grown, maybe because of what it said before ({'; '.join(said)})."


def _history(run: StoredRun) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = json.loads(run.tags.get(GROWN_TAG, "[]"))
    return history


def _require_growth(name: str, stored: Any, wanted: Any) -> None:
    """Raise InputError if a comparison would lose what its trials were for."""
    if name == "seeds":
        if wanted >= stored:
            return
        allowed = f"at least {stored}"
    elif stored is None or set(stored) <= set(wanted or ()):
        return
    else:
        allowed = f"{_shown(stored)}, and more"
    raise InputError(
        f"resume: {name}: received {_shown(wanted)}; allowed: {allowed}. A comparison that is gone on with may grow, "
        f"and cannot shrink; leave {name} out, or start anew without resume"
    )


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else "none" if value is None else str(value)
