"""Seconds to prepare a folder of photographs, against Keras, which goes through it once and keeps nothing."""

from __future__ import annotations

from benchmarks.plan import Plan
from benchmarks.process import answer_of, run, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of

FILES, SMALL, WARM_UP = 2_000, 60, 40
PROGRAMS = {"pipeline": "prepare_folder", "Keras": "keras_folder"}


def prepare(plan: Plan) -> Result:
    """Measure both in turn, on the same cores, each in a process that has read some files before; target: 1.0."""
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
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
            latest = (
                f"{name} {values[-1][0]:.2f} s ({values[-1][1]:.2f} of processors)" for name, values in measured.items()
            )
            plan.progress(number, ", ".join(latest))
    note = f"{count:,} JPEG files of 640x480 pixels and {size:.0f} KiB each, made for this, to 64 pixels a side."
    return make_result("prepare", *figures_and_ratios(measured), [note])


def figures_and_ratios(measured: dict[str, list[tuple[float, float]]]) -> tuple[list[Figure], list[Ratio]]:
    """Return what was measured, by program, in seconds and in seconds of processors, and how the two stand."""
    figures, ratios = [], []
    for place, (kind, at_most) in enumerate((("", 1.0), (", processors", None))):
        ours, keras = (
            Figure(name=f"{name}{kind}", unit="s", values=[value[place] for value in measured[name]])
            for name in PROGRAMS
        )
        figures += [ours, keras]
        ratios.append(Ratio(name=f"pipeline / Keras{kind}", values=ratios_of(ours, keras), at_most=at_most))
    return figures, ratios
