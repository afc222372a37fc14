"""The outbox: nothing lost, nothing twice, nothing out of order, and nobody waits."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import pytest

from tasks.foundation.errors import RecordError, StorageError
from tasks.tracking import outbox as outbox_module
from tasks.tracking.outbox import JOURNAL, MARK, OutageError, Outbox
from tasks.tracking.outbox_entries import Attachment, Entry, Metrics, Tags
from tasks.tracking.refused_entries import REFUSED, RefusedError, read_refusals

SECONDS = 20


def entry(name: str) -> Entry:
    return Tags(tags={f"is {name}": name})


class Receiver:
    """Takes entries; ``down`` until told otherwise if it starts so."""

    def __init__(self, *, down: bool = False) -> None:
        self.names: list[str] = []
        self.refuses = {"bad"}
        self.attempts = 0
        self.up = threading.Event()
        self.tried = threading.Event()
        self.took_one = threading.Event()
        if not down:
            self.up.set()

    def __call__(self, received: Entry) -> None:
        self.attempts += 1
        self.tried.set()
        if not self.up.is_set():
            raise OutageError("nobody there")
        assert isinstance(received, Tags)
        (name,) = received.tags.values()
        if name in self.refuses:
            raise RefusedError("no such thing")
        self.names.append(name)
        self.took_one.set()


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(outbox_module, "LONGEST_DELAY", 0.02)


def test_entries_are_sent_in_their_order(tmp_path: Path) -> None:
    receiver = Receiver()
    outbox = Outbox(tmp_path, receiver)
    for number in range(20):
        outbox.put(entry(str(number)))
    outbox.close(SECONDS)
    assert receiver.names == [str(number) for number in range(20)]
    assert (tmp_path / MARK).read_text() == "20\n"


def test_nobody_waits_for_a_receiver_that_hangs(tmp_path: Path) -> None:
    answer = threading.Event()
    outbox = Outbox(tmp_path, lambda _: answer.wait(SECONDS))  # type: ignore[arg-type, return-value]
    for number in range(3):
        outbox.put(entry(str(number)))
    with pytest.raises(OutageError, match=r"did not answer within 0\.05 s"):
        outbox.close(0.05)
    answer.set()
    assert len((tmp_path / JOURNAL).read_text().splitlines()) == 3
    assert not (tmp_path / MARK).exists()


def test_an_outage_is_over_at_some_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(down=True)
    outbox = Outbox(tmp_path, receiver)
    with caplog.at_level("INFO", logger="tasks.tracking.outbox"):
        for name in ("first", "second"):
            outbox.put(entry(name))
        assert receiver.tried.wait(SECONDS)
        receiver.up.set()
        outbox.close(SECONDS)
    assert receiver.names == ["first", "second"]
    assert receiver.attempts > 2
    told = [record.message for record in caplog.records]
    assert told == [
        "MLflow does not take what this run records (nobody there). It is kept until it does.",
        "MLflow takes it again.",
    ]


def test_delays_grow_up_to_the_longest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "FIRST_DELAY", 1.0)
    monkeypatch.setattr(outbox_module, "LONGEST_DELAY", 30.0)
    waited: list[float] = []
    receiver = Receiver(down=True)
    outbox = Outbox(tmp_path, receiver)

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        if len(waited) == 7:
            receiver.up.set()
        return False

    monkeypatch.setattr(outbox._closing, "wait", wait)
    outbox.put(entry("late"))
    assert receiver.took_one.wait(SECONDS)
    outbox.close(SECONDS)
    assert waited == [1, 2, 4, 8, 16, 30, 30]


def test_what_an_earlier_process_left_is_sent_first(tmp_path: Path) -> None:
    earlier = Outbox(tmp_path, Receiver(down=True))
    for name in ("a", "b"):
        earlier.put(entry(name))
    with pytest.raises(OutageError, match="nobody there"):
        earlier.close(0.05)
    receiver = Receiver()
    later = Outbox(tmp_path, receiver)
    assert later.any_waiting
    assert later.kept == [entry("a"), entry("b")]
    later.put(entry("c"))
    later.close(SECONDS)
    assert receiver.names == ["a", "b", "c"]
    assert not Outbox(tmp_path, receiver).any_waiting


@pytest.mark.parametrize("mark", ["", "1x", "3", "-1", None])
def test_without_a_good_mark_all_is_sent_again(tmp_path: Path, mark: str | None) -> None:
    first = Outbox(tmp_path, Receiver())
    for name in ("a", "b"):
        first.put(entry(name))
    first.close(SECONDS)
    (tmp_path / MARK).unlink()
    if mark is not None:
        (tmp_path / MARK).write_text(mark)
    receiver = Receiver()
    Outbox(tmp_path, receiver).close(SECONDS)
    assert receiver.names == ["a", "b"]


def test_a_last_line_without_an_end_was_never_kept(tmp_path: Path) -> None:
    whole = entry("a").model_dump_json().encode() + b"\n"
    (tmp_path / JOURNAL).write_bytes(whole + entry("b").model_dump_json().encode()[:10])
    receiver = Receiver()
    outbox = Outbox(tmp_path, receiver)
    outbox.put(entry("c"))
    outbox.close(SECONDS)
    assert receiver.names == ["a", "c"]
    assert (tmp_path / JOURNAL).read_bytes() == whole + entry("c").model_dump_json().encode() + b"\n"


def test_a_damaged_line_is_told(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(entry("a").model_dump_json().encode() + b'\n{"kind": "nonsense"}\n')
    with pytest.raises(RecordError, match=r"line 2 of '.*outbox\.jsonl' is damaged"):
        Outbox(tmp_path, Receiver())


def test_a_refusal_does_not_hold_back_the_rest_and_is_told_at_the_end(tmp_path: Path) -> None:
    receiver = Receiver()
    outbox = Outbox(tmp_path, receiver)
    for name in ("a", "bad", "b"):
        outbox.put(entry(name))
    with pytest.raises(RecordError, match=r"MLflow refused to record tags \(no such thing\).*reconcile --again"):
        outbox.close(SECONDS)
    assert receiver.names == ["a", "tags", "b"]  # of which the second is that of the run, which says what it lacks
    later = Outbox(tmp_path, receiver)
    assert not later.any_waiting  # it would be refused again
    with pytest.raises(RecordError, match="MLflow refused to record tags"):  # nor is it forgotten
        later.close(SECONDS)


def test_what_was_refused_is_sent_when_somebody_asks_for_that(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.refuses = {"bad", "worse"}
    outbox = Outbox(tmp_path, receiver)
    for number, name in enumerate(("bad", "a", "worse", "b")):
        outbox.put(Tags(tags={f"name {number}": name}))
    with pytest.raises(RecordError):
        outbox.close(SECONDS)
    receiver.refuses, receiver.names = {"worse"}, []
    again = Outbox(tmp_path, receiver, again=True)
    assert again.any_waiting
    with pytest.raises(RecordError, match="tags"):
        again.close(SECONDS)
    assert receiver.names == ["bad", "tags", "tags"]
    receiver.refuses, receiver.names = set(), []
    Outbox(tmp_path, receiver, again=True).close(SECONDS)
    assert receiver.names == ["worse", "nothing"]
    assert (tmp_path / MARK).read_text() == "4\n"
    assert not (tmp_path / REFUSED).exists()


def test_a_tag_that_is_refused_too_holds_nothing_back(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.refuses = {"bad", "tags"}
    outbox = Outbox(tmp_path, receiver)
    for name in ("bad", "a"):
        outbox.put(entry(name))
    with pytest.raises(RecordError, match="MLflow refused to record tags"):
        outbox.close(SECONDS)
    assert receiver.names == ["a"]


def test_a_refusal_that_a_kill_left_half_noted_is_noted_by_the_next_process(tmp_path: Path) -> None:
    first = Outbox(tmp_path, Receiver())
    first.put(entry("bad"))
    with pytest.raises(RecordError):
        first.close(SECONDS)
    (tmp_path / MARK).unlink()
    receiver = Receiver()
    with pytest.raises(RecordError):
        Outbox(tmp_path, receiver).close(SECONDS)
    assert receiver.names == ["tags"]
    assert [refusal.number for refusal in read_refusals(tmp_path)] == [0]


def test_another_process_finds_what_was_kept_as_it_was(tmp_path: Path) -> None:
    values = {"is a number": 0.1 + 0.2, "too large": math.inf, "too small": -math.inf, "none": math.nan}
    outbox = Outbox(tmp_path, Receiver(down=True))
    outbox.put(Metrics(metrics=values, step=1, timestamp=2))
    outbox.put(Attachment(name="all bytes.png", content=bytes(range(256))))
    with pytest.raises(OutageError):
        outbox.close(0)
    metrics, picture = Outbox(tmp_path, lambda _: None).kept
    assert isinstance(metrics, Metrics)
    assert math.isnan(metrics.metrics.pop("none"))
    assert metrics.metrics == {name: value for name, value in values.items() if name != "none"}
    assert picture == Attachment(name="all bytes.png", content=bytes(range(256)))


def test_what_cannot_be_kept_is_told_and_not_sent(tmp_path: Path) -> None:
    receiver = Receiver()
    outbox = Outbox(tmp_path, receiver)
    (tmp_path / JOURNAL).mkdir()
    with pytest.raises(StorageError, match=r"cannot write '.*outbox\.jsonl'"):
        outbox.put(entry("a"))
    (tmp_path / JOURNAL).rmdir()
    outbox.put(entry("b"))
    outbox.close(SECONDS)
    assert receiver.names == ["b"]


def test_an_interrupted_put_leaves_journal_and_mark_in_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    receiver = Receiver()
    outbox = Outbox(tmp_path, receiver)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            outbox.put(entry("a"))
    outbox.put(entry("b"))
    outbox.close(SECONDS)
    assert receiver.names == ["b"]
    assert (tmp_path / MARK).read_text() == "1\n"
    assert Outbox(tmp_path, receiver).kept == [entry("b")]


def test_a_mark_that_cannot_be_written_holds_nothing_back(tmp_path: Path) -> None:
    receiver = Receiver()
    outbox = Outbox(tmp_path, receiver)
    (tmp_path / MARK).mkdir()
    for name in ("a", "b"):
        outbox.put(entry(name))
    outbox.close(SECONDS)
    assert receiver.names == ["a", "b"]
