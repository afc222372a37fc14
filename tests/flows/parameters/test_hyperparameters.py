"""Which optimizer has which hyperparameter: help, the README and docs/optimizers.md tell it as the tables have it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from flows.parameters.hyperparameters import (
    HYPERPARAMETERS,
    OWNED,
    USUAL_LEARNING_RATES,
    OptimizerName,
    owners_of,
)
from flows.parameters.optimizer import OptimizerParameters

DOCUMENT = (Path(__file__).parents[3] / "docs" / "optimizers.md").read_text()


@pytest.mark.parametrize("name", OWNED)
def test_a_hyperparameter_says_which_optimizers_have_it_and_its_defaults(name: str) -> None:
    field = OptimizerParameters.model_fields[name]
    assert field.default is None
    words = str(field.description)
    longest_first = sorted(get_args(OptimizerName), key=len, reverse=True)
    named = re.findall(r"for ([^:]+): ", re.sub(r" \(none: [^)]*\)", "", words))
    owners = [owner for one in named for owner in re.findall(rf"\b(?:{'|'.join(longest_first)})\b", one)]
    assert sorted(owners) == owners_of(name)
    told = {json.loads(value) for value in re.findall(r"none: ([^);]+)", words)}
    assert told == {HYPERPARAMETERS[optimizer][name] for optimizer in owners_of(name)}


def test_the_document_has_each_optimizer_with_its_usual_rate_and_its_hyperparameters() -> None:
    rates, own = {}, {}
    for optimizers, rate, cell in re.findall(r"^\| (`[a-z_`, ]+) \| ([\d.]+) \|([^|]*)\|", DOCUMENT, re.MULTILINE):
        values, waiting = {}, []
        for name, value in re.findall(r"`(\w+)`(?: (-?[\d.e-]+|true|false))?", cell):
            waiting.append(name)
            if value:  # of all names since the last value
                values |= dict.fromkeys(waiting, json.loads(value))
                waiting = []
        assert not waiting
        for optimizer in re.findall(r"\w+", optimizers):
            rates[optimizer] = float(rate)
            own |= {optimizer: values} if values else {}
    assert rates == USUAL_LEARNING_RATES
    assert own == HYPERPARAMETERS
