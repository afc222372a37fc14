"""Seconds to predict a folder of pictures, against preparing the same and evaluating them."""

from __future__ import annotations

from benchmarks.plan import Plan
from benchmarks.process import answer_of, run, seconds_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of

PICTURES, SMALL, WARM_UP = 10_000, 200, 40
PROGRAMS = {"predict": "predict_folder", "prepare and evaluate": "evaluate_folder"}
ONE = "predict one picture, from start to exit"
TRAIN = ["-m", "flows", "train", "--dataset", "digits", "--epochs", "1", "--json"]


def predict(plan: Plan) -> Result:
    """Measure both in turn, on the same cores, each in a process that has done it to some pictures; target: 1.2."""
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    starts: list[float] = []
    count = SMALL if plan.small else PICTURES
    with workplace() as kept:
        plan.say(f"training a model, and writing {count:,} pictures")
        run_id = answer_of(TRAIN, kept)["run_id"]
        folders = {"warm-up": WARM_UP, "pictures": count}
        for name, number in folders.items():
            run(["-m", "benchmarks.programs.pictures", str(kept / name), str(number)], kept)
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{kept / 'mlflow.db'}", "CUDA_VISIBLE_DEVICES": "-1"}
        for number in range(plan.rounds):
            for name, program in PROGRAMS.items():
                with workplace() as empty:  # nothing is prepared there yet
                    paths = [str(kept / folder) for folder in folders]
                    command = ["-m", f"benchmarks.programs.{program}", run_id, *paths]
                    measured[name].append(answer_of(command, empty, **store))
            one = str(next((kept / "pictures" / "test").rglob("*.png")))
            starts.append(seconds_of(["-m", "flows", "predict", run_id, one], kept, **store))
            latest = (f"{name} {values[-1][0]:.2f} s" for name, values in measured.items())
            plan.progress(number, ", ".join([*latest, f"one picture {starts[-1]:.2f} s"]))
    note = f"{count:,} PNG files of 28x28 pixels, made for this, to 32 pixels a side, for LeNet."
    figures, ratios = figures_and_ratios(measured)
    return make_result("predict", [*figures, Figure(name=ONE, unit="s", values=starts)], ratios, [note])


def figures_and_ratios(measured: dict[str, list[tuple[float, float]]]) -> tuple[list[Figure], list[Ratio]]:
    """Return what was measured, by program, in seconds and in seconds of processors, and how the two stand."""
    figures, ratios = [], []
    for place, (kind, at_most) in enumerate((("", 1.2), (", processors", None))):
        ours, other = (
            Figure(name=f"{name}{kind}", unit="s", values=[value[place] for value in measured[name]])
            for name in PROGRAMS
        )
        figures += [ours, other]
        ratios.append(
            Ratio(name=f"predict / prepare and evaluate{kind}", values=ratios_of(ours, other), at_most=at_most)
        )
    return figures, ratios
