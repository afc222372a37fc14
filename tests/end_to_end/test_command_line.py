"""The command line before anything heavy starts: help, and what is refused at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from flows.command_line.commands import COMMANDS
from flows.parameters.hyperparameters import OptimizerName
from flows.parameters.train import TrainParameters
from tests.support.running import Running

pytestmark = pytest.mark.end_to_end

REFUSED_AT_ONCE = {
    "unknown optimizer": (
        ["--optimizer", "adm"],
        r"optimizer: received 'adm'; .* \(did you mean 'adam'\?\)",
    ),
    "no epochs": (["--epochs", "0"], "epochs: received '0'; allowed: a whole number, at least 1"),
    "no number": (["--learning-rate", "fast"], "learning_rate: received 'fast'; allowed: a number"),
    "unknown option": (["--epocs", "3"], r'Unknown option: "?--epocs"?\. Did you mean "?--epochs"?\?'),
    "option without value": (["--epochs"], "--epochs requires an argument"),
    "foreign hyperparameter": (["--optimizer", "adam", "--momentum", "0.9"], "optimizer 'adam' has no momentum"),
    "Prefect does not answer": (["--dataset", "digits"], "the Prefect API 'http://127.0.0.1:9/api' does not answer"),
}


@pytest.fixture
def heavy_imports(start: Callable[..., Running]) -> Callable[..., list[str]]:
    """Run a command, and return which of the packages that take seconds it imported."""
    code = (
        "import json, sys\nfrom flows.__main__ import main\nstatus = main(sys.argv[1:])\n"
        "heavy = [name for name in ('keras', 'mlflow', 'prefect', 'tensorflow') if name in sys.modules]\n"
        "print(json.dumps([status, heavy]))"
    )

    def imported(*arguments: str) -> list[str]:
        ended = start("-c", code, *arguments).ended()
        status, heavy = json.loads(ended.out.splitlines()[-1])
        assert ended.status == status == 0
        return list(heavy)

    return imported


def test_help_lists_the_commands(start: Callable[..., Running]) -> None:
    ended = start("-m", "flows", "--help").ended()
    assert (ended.status, ended.err) == (0, "")
    assert {"train", "reconcile", "ui"} <= set(re.findall(r"^│ ([a-z]+) ", ended.out, re.MULTILINE))


def test_help_lists_every_parameter_with_its_default_and_choices(start: Callable[..., Running]) -> None:
    ended = start("-m", "flows", "train", "--help", COLUMNS="200").ended()
    assert (ended.status, ended.err) == (0, "")
    shown = re.sub(r"[\s│]+", " ", ended.out)
    missing = [name for name in TrainParameters.model_fields if f"--{name.replace('_', '-')} " not in shown]
    assert not missing
    names = ", ".join(get_args(OptimizerName))
    assert names.startswith("sgd, momentum, rmsprop, adam, ")
    assert f"[choices: {names}; or FILE.py:CLASS or MODULE:CLASS of your own] [default: momentum]" in shown
    assert "--json" in shown


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["predict", "--help"], ["reconcile", "--help"], ["ui", "--help"]],
    ids=" ".join,
)
def test_help_imports_nothing_that_takes_seconds(heavy_imports: Callable[..., list[str]], arguments: list[str]) -> None:
    assert heavy_imports(*arguments) == []


@pytest.mark.parametrize(("arguments", "message"), REFUSED_AT_ONCE.values(), ids=REFUSED_AT_ONCE)
def test_bad_input_is_refused_before_anything_starts(
    start: Callable[..., Running], tmp_path: Path, arguments: list[str], message: str
) -> None:
    ended = start("-m", "flows", "train", *arguments, PREFECT_API_URL="http://127.0.0.1:9/api").ended()
    assert ended.status == 2
    assert re.search(message, ended.err)
    assert "Traceback" not in ended.out + ended.err
    assert [path.name for path in tmp_path.iterdir() if path.suffix not in (".out", ".err")] == []


def test_an_unknown_command_is_refused_with_the_known_ones(start: Callable[..., Running]) -> None:
    ended = start("-m", "flows", "trian").ended()
    assert ended.status == 2
    known, see = ended.err.splitlines()
    first = ", ".join(list(COMMANDS)[:8])  # cyclopts names as many
    assert known == f'Unknown command "trian". Did you mean "train"? Available commands: {first}, ...'
    assert re.fullmatch(r"See: .*python\S* -m flows --help", see)
