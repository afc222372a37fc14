"""Where the time goes: ``python -m benchmarks.profile`` writes a TensorFlow trace and a flame graph."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from benchmarks.command_line import DONE, run_command
from benchmarks.process import environment, workplace
from benchmarks.process import run as run_program
from tasks.foundation.errors import InputError

TRAIN = ["-m", "flows", "train", "--dataset", "digits"]
SAMPLES_A_SECOND = "100"


def write_profiles(*, output: Annotated[Path, Parameter(help="The folder to write to.")] = Path("profiles")) -> int:
    """Profile a short training on the digits: its operations, and the Python of the whole command."""
    console = Console()
    recorder = _recorder()
    if output.exists() and not output.is_dir():
        raise InputError(f"--output: received {str(output)!r}, which is a file; give a folder")
    trace, graph = (output / "tensorflow").absolute(), (output / "train.svg").absolute()
    shutil.rmtree(trace, ignore_errors=True)  # each trace lies in a folder of its own, beside older ones
    output.mkdir(parents=True, exist_ok=True)
    console.print("Tracing the operations of a fit.", highlight=False)
    with workplace() as home:
        run_program(["-m", "benchmarks.programs.traced", str(trace)], home)
    console.print("Sampling the whole command, and the processes that it starts.", highlight=False)
    with workplace() as home:
        _sample(recorder, home, graph)
    console.print(
        f"{trace}  for TensorBoard with its profile plugin, or XProf\n{graph}  for a browser",
        highlight=False,
        soft_wrap=True,
    )
    return DONE


def _sample(recorder: str, home: Path, graph: Path) -> None:
    """Write the flame graph of a training. Raises RuntimeError if that fails."""
    options = ["--subprocesses", "--rate", SAMPLES_A_SECOND, "--output", str(graph)]
    ended = subprocess.run(
        [recorder, "record", *options, "--", sys.executable, *TRAIN],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode or not graph.exists():
        raise RuntimeError(
            f"py-spy ended with status {ended.returncode}:\n{ended.stdout}{ended.stderr}\n"
            "It has to read the memory of the process that it starts: macOS wants sudo for that, "
            "and a container the capability SYS_PTRACE."
        )


def _recorder() -> str:
    """Return the path of py-spy. Raises InputError if it is not installed."""
    beside = Path(sys.executable).with_name("py-spy")
    if found := shutil.which(str(beside)) or shutil.which("py-spy"):
        return found
    raise InputError("py-spy is not installed; it comes with the development tools: make profile")


if __name__ == "__main__":
    sys.exit(run_command("python -m benchmarks.profile", write_profiles))
