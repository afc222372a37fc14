"""A person's own code as a parameter: what it becomes, what goes with it, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from flows.parameters.compare import CompareParameters
from flows.parameters.signature import validated
from flows.parameters.study_plan import digest_of, one_of_each_setting, rates_of, training_of
from flows.parameters.train import TrainParameters
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import with_digest
from tests.support.own_code import write_own


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_own(tmp_path / "mine.py")


def refusal(parameters: type[BaseModel] = TrainParameters, **given: Any) -> str:
    with pytest.raises(InputError) as error:
        validated(parameters, given)
    return str(error.value)


def test_a_name_gets_its_place_and_its_digest(mine: Path) -> None:
    named = {"model": "mine.py:small", "optimizer": "mine.py:Signum", "loss": "mine.py:Focal"}
    p = validated(TrainParameters, named)
    assert p.named() == tuple(with_digest(f"{mine}:{name}") for name in ("small", "Signum", "Focal"))
    assert p.learning_rate == 0.0003  # the constructor's
    assert p.display_name() == "mine.py:Signum 0.0003 s0 model=mine.py:small loss=mine.py:Focal mnist"
    assert p.banner().splitlines()[:2] == [
        "Training mine.py:small on mnist, images 32x32, 10% held back for validation unless it has validation images",
        "  mine.py:Signum, learning_rate 0.0003 (constant), mine.py:Focal",
    ]
    mine.unlink()
    assert validated(TrainParameters, p.model_dump()) == p  # as a run has it that goes on


def test_another_version_of_a_file_is_another_trial(mine: Path) -> None:
    before = validated(TrainParameters, {"optimizer": "mine.py:Signum"})
    write_own(mine, ("beta=0.9", "beta=0.8"))
    after = validated(TrainParameters, {"optimizer": "mine.py:Signum"})
    assert digest_of(before, "data") != digest_of(after, "data")


def test_faults_are_told_with_what_was_received(mine: Path) -> None:
    assert (
        refusal(optimizer="gone.py:A") == f"optimizer: received 'gone.py:A': there is no file '{mine.parent}/gone.py'"
    )
    assert refusal(model="gone.py:a") == f"model: received 'gone.py:a': there is no file '{mine.parent}/gone.py'"
    told = refusal(CompareParameters, optimizers="adam,gone:A")
    assert told.startswith("optimizers: received 'gone:A': there is no module 'gone' of Python source")
    mine.write_text("class A(:\n")
    assert refusal(loss="mine.py:A") == f"loss: received 'mine.py:A': '{mine}' is no Python, line 1: invalid syntax"
    assert refusal(optimizer="mine.py").endswith("or FILE.py:CLASS or MODULE:CLASS of your own")


def test_arguments_are_one_text_whatever_their_order(mine: Path) -> None:
    own = {"optimizer": f"{mine}:Signum"}
    p = validated(TrainParameters, {**own, "optimizer_args": " rho=1e-3, name_of=x,flag=True,steps=10"})
    assert p.optimizer_args == "flag=true,name_of=x,rho=0.001,steps=10"
    assert p.recipe()["hyperparameters"] == {"flag": True, "name_of": "x", "rho": 0.001, "steps": 10}
    assert validated(TrainParameters, p.model_dump()) == p
    assert "optimizer_args: received 'rho': 'rho' is not NAME=VALUE" in refusal(**own, optimizer_args="rho")
    assert "'rho' is there twice" in refusal(**own, optimizer_args="rho=1,rho=2")


def test_arguments_belong_to_own_classes_alone(mine: Path) -> None:
    told = "optimizer_args: received 'rho=1', but adam has parameters of its own instead; leave it out"
    assert refusal(optimizer="adam", optimizer_args="rho=1").startswith(told)
    assert refusal(loss_args="gamma=1").startswith("loss_args: received 'gamma=1', but softmax_cross_entropy has")
    told = "optimizer_args: received 'rho=1', but adam, sgd have parameters of their own instead; leave it out"
    assert refusal(CompareParameters, optimizers="adam,sgd", optimizer_args="rho=1").startswith(told)
    p = validated(CompareParameters, {"optimizers": f"adam,{mine}:Signum", "optimizer_args": "beta=0.5"})
    given = [training_of(p, planned).optimizer_args for planned in one_of_each_setting(p)]
    assert given == [None] * 3 + ["beta=0.5"] * 3


def test_a_grid_is_laid_around_what_the_constructor_says_also_when_the_file_is_gone(mine: Path) -> None:
    p = validated(CompareParameters, {"optimizers": "adam,mine.py:Signum", "losses": "mine.py:Focal"})
    own = with_digest(f"{mine}:Signum")
    assert p.optimizers == ("adam", own)
    assert p.usual_rates == (f"{own}=0.0003",)
    assert rates_of(p, own) == (0.00009, 0.0003, 0.0009)
    assert "  mine.py:Signum: learning rate 9e-05, 0.0003, 0.0009\n" in p.banner()
    mine.unlink()
    stored = CompareParameters(**p.recorded())
    assert stored == p
    assert rates_of(stored, own) == (0.00009, 0.0003, 0.0009)


def test_another_usual_rate_can_be_given(mine: Path) -> None:
    own = with_digest(f"{mine}:Signum")
    given = {"optimizers": f"adam,{mine}:Signum", "usual_rates": "Signum=0.01, adam=0.1"}
    p = validated(CompareParameters, given)
    assert (rates_of(p, own)[1], rates_of(p, "adam")[1]) == (0.01, 0.1)
    assert validated(CompareParameters, {**given, "usual_rates": ",".join(p.usual_rates or ())}) == p
    assert "usual_rates: received 'sgd=1': 'sgd' is none of the optimizers adam, mine.py:Signum" in refusal(
        CompareParameters, **{**given, "usual_rates": "sgd=1"}
    )
    assert "'fast' is no rate" in refusal(CompareParameters, **{**given, "usual_rates": "adam=fast"})


def test_without_own_code_nothing_is_added() -> None:
    assert CompareParameters().usual_rates is None
    assert rates_of(CompareParameters(usual_rates=("adam=0.01",)), "adam") == (0.003, 0.01, 0.03)
