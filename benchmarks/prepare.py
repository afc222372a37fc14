"""Seconds to prepare a folder of photographs, against Keras, which goes through it once and keeps nothing."""

from __future__ import annotations

from benchmarks.plan import Plan
from benchmarks.process import answer_of, run, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of

FILES, SMALL, WARM_UP = 2_000, 60, 40
PROGRAMS = {"pipeline": "prepare_folder", "Keras": "keras_folder"}


def prepare(plan: Plan) -> Result:
    """Measure both in turn, on the same cores, each in a process that has read some files before; target: 1.0."""
    measured: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    count = SMALL if plan.small else FILES
    with workplace() as kept:
        plan.say(f"writing {count:,} photographs")
        folders = {"warm-up": WARM_UP, "photographs": count}
        for name, number in folders.items():
            run(["-m", "benchmarks.programs.photographs", str(kept / name), str(number)], kept)
        size = sum(path.stat().st_size for path in (kept / "photographs").rglob("*.jpg")) / count / 2**10
        for number in range(plan.rounds):
            for name, program in PROGRAMS.items():
                with workplace() as empty:  # nothing is prepared there yet
                    command = ["-m", f"benchmarks.programs.{program}", *(str(kept / folder) for folder in folders)]
                    measured[name].append(answer_of(command, empty, CUDA_VISIBLE_DEVICES="-1"))
            plan.progress(number, ", ".join(f"{name} {values[-1]:.2f} s" for name, values in measured.items()))
    ours, keras = (Figure(name=name, unit="s", values=values) for name, values in measured.items())
    ratio = Ratio(name="pipeline / Keras", values=ratios_of(ours, keras), at_most=1.0)
    note = f"{count:,} JPEG files of 640x480 pixels and {size:.0f} KiB each, made for this, to 64 pixels a side."
    return make_result("prepare", [ours, keras], [ratio], [note])
