"""What MLflow refused is kept, and of it only what is still true is sent again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.foundation.commands import command
from tasks.foundation.errors import RecordError
from tasks.tracking.outbox_entries import Attachment, End, Entry, Metrics, ModelFile, Tags
from tasks.tracking.refused_entries import (
    REFUSED,
    Refusal,
    in_full,
    in_short,
    name_of,
    read_refusals,
    refused_directories,
    still_true,
    write_refusals,
)

FIGURE = Refusal(number=3, what="curves.png", reason="413")
MODEL = Refusal(number=5, what="model", reason="413")


def test_refusals_come_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "runs" / "abc"
    directory.mkdir(parents=True)
    assert (read_refusals(directory), refused_directories()) == ((), [])
    write_refusals(directory, [FIGURE, MODEL])
    assert read_refusals(directory) == (FIGURE, MODEL)
    assert refused_directories() == [directory]
    write_refusals(directory, [])
    write_refusals(directory, [])
    assert list(directory.iterdir()) == []


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / REFUSED).write_text("[{")
    with pytest.raises(RecordError, match=r"refused\.json' is damaged; delete it"):
        read_refusals(tmp_path)


def test_what_is_missing_is_said_in_words() -> None:
    assert in_short([FIGURE, MODEL, FIGURE]) == "curves.png, model"
    assert in_full([FIGURE, MODEL], Path("/a/b")) == (
        "MLflow refused to record curves.png, model (413). It is kept in /a/b. "
        f"Once MLflow takes it, send it by: {command('reconcile', '--again')}"
    )
    model = ModelFile(path=Path("fitted.keras"), image_shape=(8, 8, 1), num_classes=2)
    metrics = Metrics(metrics={"train/loss": 1.0}, step=7, timestamp=1)
    named: list[Entry] = [Attachment(name="curves.png", content=b""), model, metrics, Tags(tags={})]
    assert [name_of(entry) for entry in named] == ["curves.png", "model", "metrics of step 7", "tags"]


def test_what_a_later_attempt_said_is_not_taken_back() -> None:
    killed = Tags(tags={"outcome": "killed", "reason": "KeyboardInterrupt", "epoch_1": "abc"})
    entries: list[Entry] = [
        Attachment(name="curves.png", content=b""),
        killed,
        End(status="KILLED", timestamp=1),
        Tags(tags={"outcome": "completed"}),
        End(status="FINISHED", timestamp=2),
    ]
    assert still_true(0, entries) == entries[0]
    assert still_true(1, entries) == Tags(tags={"epoch_1": "abc"})
    assert still_true(1, entries[:3]) == killed
    assert still_true(2, entries) is None
    assert still_true(3, entries) == entries[3]
    assert still_true(4, entries) == entries[4]
    assert still_true(0, [Tags(tags={"outcome": "a"}), Tags(tags={"outcome": "b"})]) is None
