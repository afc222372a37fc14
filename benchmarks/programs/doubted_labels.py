"""Say how many of the labels that `swapped_labels.py` has swapped are doubted, by each way that cleanlab has.

Prints, as JSON, how many images and swapped ones were judged and, for each way, how many labels it doubts and how many
of these are swapped. Usage: doubted_labels.py STUDY
"""

from __future__ import annotations

import json
import sys
from typing import Any, get_args

import numpy as np

from benchmarks.programs.swapped_labels import SWAPPED
from flows.mistakes.kept_answers import kept_answers
from flows.mistakes.subject import subject_of
from study.agreement import CONFIDENT, agreement
from tasks.inspection.label_issues import METHOD, Method, label_issues


def main(study: str) -> dict[str, Any]:
    """Return it."""
    kept = kept_answers(subject_of(study).models)
    judged = agreement(kept.answers)
    swapped = set(json.loads(SWAPPED.read_text(encoding="utf-8")))
    is_swapped = np.array([kept.names[example] in swapped for example in judged.example.tolist()])
    on_all = (judged.wrong == judged.judging) & (judged.confidence >= CONFIDENT)
    doubted = {method: label_issues(judged, method) for method in get_args(Method)}
    doubted["wrong on all and confident"] = np.flatnonzero(on_all)
    return {
        "judged": len(judged.example),
        "swapped": int(is_swapped.sum()),
        "all_swapped": len(swapped),
        "default": METHOD,
        "methods": {
            name: {"doubted": len(rows), "found": int(is_swapped[rows].sum())} for name, rows in doubted.items()
        },
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
