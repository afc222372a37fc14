"""A process goes on without its terminal, and says so once: real processes with real pipes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
LINES = 6_000  # more than a pipe holds, which is 64 KiB
SAYS_MUCH = f"""
    from rich.console import Console
    from tasks.terminal.messages import say
    console = Console()
    for number in range({LINES}):
        say(console, f"line {{number}} of many")
"""
DRAWS = """
    from rich.console import Console
    from tasks.terminal.progress import progress_console, epoch_progress
    progress_console.set(Console(force_terminal=True))
    with epoch_progress(2, 800) as move:
        for step in range(800):
            move(1, step)
            progress_console.get().print("a line above the bar")
"""
PRINTS = "print('once, and no more')"  # to the buffer, which Python writes on its way out


def command(code: str) -> list[str]:
    start = "from tasks.terminal.streams import keep_streams, start_anew_with_utf8\nstart_anew_with_utf8()\n"
    return [sys.executable, "-c", f"{start}keep_streams()\n{textwrap.dedent(code)}\nraise SystemExit(7)"]


def ended(code: str, shell: str = '"$@"', **changes: Any) -> tuple[int, str, str]:
    """Run code under a line of the shell, where ``"$@"`` stands for it; return its status, output and errors."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))}
    done = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {shell}", "bash", *command(code)],
        cwd=ROOT,
        env=environment | changes,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


@pytest.mark.parametrize("code", [SAYS_MUCH, DRAWS], ids=["lines", "bars"])
def test_a_reader_that_leaves_is_told_of_once_and_ends_nothing(code: str) -> None:
    status, out, errors = ended(code, '"$@" | head -1')
    assert (status, errors) == (7, "Standard output takes no more (Broken pipe). The command goes on without it.\n")
    assert out.count("\n") == 1


@pytest.mark.parametrize("code", [SAYS_MUCH, DRAWS, PRINTS], ids=["lines", "bars", "buffer"])
def test_a_full_disk_is_told_of_once_and_ends_nothing(code: str) -> None:
    full = "Standard output takes no more (No space left on device). The command goes on without it.\n"
    assert ended(code, '"$@" > /dev/full') == (7, "", full)


@pytest.mark.parametrize("where", ["> /dev/full 2>&1", "2> /dev/full", "2>&-", ">&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("code", [SAYS_MUCH, "import sys; print('why', file=sys.stderr)"], ids=["output", "errors"])
def test_streams_that_take_nothing_end_nothing(code: str, where: str) -> None:
    status, _, errors = ended(code, f'"$@" {where}')
    assert (status, errors if "2>" in where else "") == (7, "")


def test_a_file_does_not_get_the_number_of_a_stream_that_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    code = f"import os; file = open({str(path)!r}, 'w'); os.write(2, b'a note of a library'); assert file.fileno() > 2"
    assert ended(code, '"$@" <&- >&- 2>&-')[0] == 7
    assert path.read_text() == ""


def test_an_output_that_does_not_wait_gets_all(tmp_path: Path) -> None:
    code = f"import os; os.set_blocking(1, False)\n{textwrap.dedent(SAYS_MUCH)}"
    status, _, errors = ended(code, f'"$@" | (sleep 1; cat) > {tmp_path}/out')
    assert (status, errors) == (7, "")
    assert (tmp_path / "out").read_text().splitlines() == [f"line {number} of many" for number in range(LINES)]


@pytest.mark.parametrize("settings", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}])
def test_what_a_terminal_has_no_bytes_for_is_escaped(settings: dict[str, str]) -> None:
    code = "import sys; print(chr(0x732B)); print(chr(0x732B), file=sys.stderr)"
    assert ended(code, **settings) == (7, "\\u732b\n", "\\u732b\n")


def test_in_the_c_locale_names_are_what_they_are_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "猫").mkdir()
    code = """
        import pathlib, sys
        (found,) = pathlib.Path(sys.argv[1]).iterdir()
        assert found.name == sys.argv[2] == chr(0x732B), ascii(found.name)
    """
    assert ended(code, f'"$@" {tmp_path} 猫', LC_ALL="C", PYTHONUTF8="0") == (7, "", "")


def test_a_utf8_mode_that_is_forbidden_in_every_way_does_not_start_for_ever() -> None:
    code = "import sys; assert sys.getfilesystemencoding() == 'ascii'"
    assert ended(code, '"$1" -X utf8=0 "${@:2}"', LC_ALL="C") == (7, "", "")
