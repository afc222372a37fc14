"""What is measured of a process, and what it is kept from; short programs, and no assertion on a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.process import answer_of, environment, run, workplace

MEBIBYTES = 150
HOLD = "import time; time.sleep(0.5)"  # several looks at the memory


def test_no_setting_of_the_person_leaks_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaks = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "TFDS_DATA_DIR", "OMP_NUM_THREADS", "XDG_CONFIG_HOME")
    for name in leaks:
        monkeypatch.setenv(name, "leaked")
    monkeypatch.setenv("PATH", "kept")
    made = environment(tmp_path, TFDS_DATA_DIR="given")
    assert {name: made.get(name) for name in leaks} == dict.fromkeys(leaks) | {"TFDS_DATA_DIR": "given"}
    assert made["PATH"] == "kept"
    assert made["HOME"] == str(tmp_path)
    assert "leaked" not in made.values()


def test_a_process_starts_in_an_empty_place_that_is_gone_afterwards() -> None:
    with workplace() as home:
        where, held = answer_of(
            ["-c", "import json, os; print('x'); print(json.dumps([os.getcwd(), os.listdir()]))"], home
        )
        assert Path(where).samefile(home)
    assert held == []
    assert not home.exists()


def test_lines_come_with_the_time_at_which_they_were_printed(tmp_path: Path) -> None:
    code = "import time; print('first', flush=True); time.sleep(1); print('second')"
    ended = run(["-c", code], tmp_path)
    (first, _), (second, _) = ended.lines
    assert [line for _, line in ended.lines] == ["first", "second"]
    assert 0 < first < second <= ended.seconds
    assert second - first > 0.3  # as far as the reader is not kept waiting itself


def test_a_program_that_fails_is_told_with_all_that_it_said(tmp_path: Path) -> None:
    code = "import sys; print('so far'); sys.exit('no further')"
    with pytest.raises(RuntimeError, match=r"status 1:\n(?s:.*)so far\n(?s:.*)no further"):
        run(["-c", code], tmp_path)


def test_private_memory_counts_what_a_process_made_and_not_the_files_that_it_mapped(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(MEBIBYTES * 2**20))
    mapping = "import mmap; file = open('large', 'rb'); held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)"
    mapped = run(["-c", f"{mapping}; held.find(b'x'); {HOLD}"], tmp_path)
    made = run(["-c", f"held = bytearray(b'x') * {MEBIBYTES * 2**20}; {HOLD}"], tmp_path)
    assert made.peak_private >= MEBIBYTES
    assert mapped.peak >= MEBIBYTES
    assert mapped.peak_private < MEBIBYTES / 2
