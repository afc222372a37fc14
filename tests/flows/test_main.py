"""The command line, up to where it starts anything: its help, what it hands on, and its errors and exit codes."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic_core import ValidationError

from flows import __main__ as command_line
from flows.__main__ import ENVIRONMENT, main
from flows.command_line import train_command
from flows.command_line.options import command_of
from flows.parameters.compare import CompareParameters
from flows.parameters.hyperparameters import OptimizerName
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from tasks.foundation.commands import command
from tasks.foundation.errors import InputError

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give back the signals and the environment, which a command takes over for good."""
    monkeypatch.setenv("COLUMNS", "200")
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, ENVIRONMENT[name])
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    handlers = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the command ``train`` was given, instead of training."""
    received: list[dict[str, Any]] = []

    def train(*, json: bool = False, **given: Any) -> int:
        received.append(given | ({"json": True} if json else {}))
        return 0

    monkeypatch.setitem(command_line.COMMANDS, "train", command_of(TrainParameters, train))
    return received


def test_help_names_the_commands(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    output = capsys.readouterr().out
    for name in command_line.COMMANDS:
        assert name in output


def test_help_shows_each_parameter_with_description_choices_and_default(capsys: Capture) -> None:
    assert main(["train", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for name, field in TrainParameters.model_fields.items():
        assert f"--{name.replace('_', '-')}" in words
        assert str(field.description)[:40] in words
    names = ", ".join(get_args(OptimizerName))
    assert names.startswith("sgd, momentum, rmsprop, adam, ")
    assert f"[choices: {names}; or FILE.py:CLASS or MODULE:CLASS of your own] [default: momentum]" in words
    assert "examples in one step (at least 1" in words
    assert "the optimizer's usual one (more than 0, at most 1e+30) [default: none]" in words
    assert "[default: true]" in words


def test_help_shows_parameters_in_groups_and_what_is_the_command_s_own_last(capsys: Capture) -> None:
    assert main(["train", "--help"]) == 0
    headings = re.findall(r"^╭─ (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert headings == ["Data", "Network", "Optimizer", "Training", "Recording", "Parameters"]


def test_values_are_handed_on_as_typed(handed_on: list[dict[str, Any]]) -> None:
    assert main(["train", "--dataset", "digits", "--learning-rate", "1e-3", "--epochs=3"]) == 0
    assert handed_on == [{"dataset": "digits", "learning_rate": "1e-3", "epochs": "3"}]


def test_underscores_do_as_well_as_hyphens(handed_on: list[dict[str, Any]]) -> None:
    assert main(["train", "--learning_rate", "0.1", "--batch_size=8"]) == 0
    assert handed_on == [{"learning_rate": "0.1", "batch_size": "8"}]


def test_what_is_not_given_is_not_handed_on(handed_on: list[dict[str, Any]]) -> None:
    assert main(["train"]) == 0
    assert handed_on == [{}]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["--download", "false"], {"download": False}),
        (["--download=false"], {"download": False}),
        (["--download", "FALSE"], {"download": False}),
        (["--no-download"], {"download": False}),
        (["--download"], {"download": True}),
        (["--nesterov"], {"nesterov": True}),
        (["--nesterov", "yes"], {"nesterov": True}),
        (["--nesterov", "--epochs", "1"], {"nesterov": True, "epochs": "1"}),
        (["--shuffle", "0", "--epochs", "1"], {"shuffle": False, "epochs": "1"}),
        (["--epochs", "1"], {"epochs": "1"}),
        (["--json"], {"json": True}),
    ],
)
def test_truth_values_are_taken_as_people_write_them(
    handed_on: list[dict[str, Any]], arguments: list[str], given: dict[str, Any]
) -> None:
    assert main(["train", *arguments]) == 0
    assert handed_on == [given]


def test_truth_values_of_a_comparison_alone_are_taken_too(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[dict[str, Any]] = []

    def compare(**given: Any) -> int:
        received.append(given)
        return 0

    monkeypatch.setitem(command_line.COMMANDS, "compare", command_of(CompareParameters, compare))
    assert main(["compare", "--extend", "false", "--seeds", "3"]) == 0
    assert received == [{"extend": False, "seeds": "3"}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--epochs", "0"], "epochs: received '0'; allowed: a whole number, at least 1"),
        (["--optimizer", "adm"], "optimizer: received 'adm'; allowed: one of sgd, "),
        (
            ["--limit-examples", "few"],
            "limit_examples: received 'few'; allowed: a whole number, at least 20, at most 1000000000; or none",
        ),
        (["--epochs", "none"], "epochs: received None; allowed: a whole number, at least 1"),
        (["--optimizer", "adam", "--momentum", "0.5"], "optimizer 'adam' has no momentum; leave it out, or choose"),
        (["--learning-rate", "inf"], "learning_rate: received 'inf'; allowed: a number, more than 0"),
        (["--epochs", "-1"], "epochs: received '-1'; allowed: a whole number, at least 1"),
    ],
)
def test_bad_values_are_told_on_standard_error(capsys: Capture, arguments: list[str], told: str) -> None:
    assert main(["train", *arguments]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("Bad input. ")
    assert told in errors


def test_none_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def stop(_: Any, given: dict[str, Any]) -> None:
        seen.append(given)
        raise InputError("seen")

    monkeypatch.setattr(train_command, "validated", stop)
    assert main(["train", "--limit-examples", "none", "--print-every", "0"]) == 2
    assert seen == [{"limit_examples": None, "print_every": "0"}]


@pytest.mark.parametrize(
    ("arguments", "told", "hint"),
    [
        (["train", "--epoch", "3"], "--epochs", ["train", "--help"]),
        (["train", "digits"], "digits", ["train", "--help"]),
        (["train", "--epochs"], "--epochs", ["train", "--help"]),
        (["train", "--download", "maybe"], "maybe", ["train", "--help"]),
        (["trian"], "train", ["--help"]),
    ],
)
def test_what_is_no_option_is_told_with_where_to_look(
    capsys: Capture, arguments: list[str], told: str, hint: list[str]
) -> None:
    assert main(arguments) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert told in errors
    assert errors.endswith(f"See: {command(*hint)}\n")


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (InputError("dataset: gone"), 2, "Bad input. dataset: gone\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (RuntimeError("broken"), 1, "The run failed. RuntimeError: broken\n"),
        (
            ValidationError.from_exception_data("LoggingSettings", [{"type": "bool_type", "loc": ("x",), "input": 1}]),
            *(2, "cannot be used: Input should be a valid boolean; mend it, or take it away\n"),
        ),
    ],
)
def test_how_it_ended_is_told_with_a_status(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, error: BaseException, status: int, told: str
) -> None:
    def train(**_: Any) -> int:
        raise error

    monkeypatch.setitem(command_line.COMMANDS, "train", command_of(TrainParameters, train))
    assert main(["train"]) == status
    errors = capsys.readouterr().err
    assert errors.endswith(told)
    assert ("Traceback" in errors) is (status == 1)


def test_no_command_reports_to_anybody_unless_told_to(
    monkeypatch: pytest.MonkeyPatch, handed_on: list[dict[str, Any]]
) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    assert main(["train"]) == 0
    assert handed_on == [{}]
    import os

    assert os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_each_choice_can_be_chosen(handed_on: list[dict[str, Any]]) -> None:
    for name in ("optimizer", "loss", "schedule", "device", "model"):
        for choice in get_args(TrainParameters.model_fields[name].annotation):
            handed_on.clear()
            assert main(["train", f"--{name}", choice]) == 0
            assert getattr(validated(TrainParameters, handed_on[0]), name) == choice


def test_help_of_a_comparison_shows_its_parameters(capsys: Capture) -> None:
    assert main(["compare", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for name, field in CompareParameters.model_fields.items():
        assert f"--{name.replace('_', '-')}" in words
        assert str(field.description)[:40] in words
    assert "[default: sgd,momentum,rmsprop,adam]" in words
    assert "--dry-run" in words


@pytest.mark.parametrize(
    "typed",
    [
        ["--optimizers", "adam,sgd"],
        ["--optimizers", "adam", "sgd"],
        ["--optimizers", "adam", "--optimizers", "sgd"],
        ["--optimizers=adam", "--optimizers=sgd"],
    ],
)
def test_several_values_are_taken_in_each_way_that_people_type_them(
    typed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    received: dict[str, Any] = {}

    def compare(**given: Any) -> int:
        received.update(given)
        return 0

    monkeypatch.setitem(command_line.COMMANDS, "compare", command_of(CompareParameters, compare))
    assert main(["compare", *typed, "--learning-rates", "none", "--batch-sizes", "16", "32", "--seeds", "2"]) == 0
    parameters = validated(CompareParameters, received)
    assert (parameters.optimizers, parameters.learning_rates) == (("adam", "sgd"), None)
    assert (parameters.batch_sizes, parameters.seeds) == ((16, 32), 2)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--optimizers", "adm"], "optimizers: received 'adm'; allowed: one of sgd, momentum"),
        (["--learning-rates", "0.1,x"], "learning_rates: received 'x'; allowed: a number, more than 0"),
        (["--optimizer", "adam"], "Unknown option: --optimizer. Did you mean --optimizers?"),
    ],
)
def test_bad_input_of_a_comparison_is_told(arguments: list[str], told: str, capsys: Capture) -> None:
    assert main(["compare", *arguments]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("command", ["report", "mistakes"])
def test_a_file_in_the_place_of_a_folder_is_told_before_anything_is_asked_for(
    command: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "page.html").touch()
    assert main([command, "0" * 32, "--output", str(tmp_path / "page.html")]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "output: " in told
    assert "is a file; give a folder" in told
