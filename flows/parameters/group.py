"""The groups that parameters are shown in, and what the model of each group is made from."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

# In help, in the README and in the form of the Prefect UI alike; in each group what people change most comes first.
GROUPS: dict[str, tuple[str, ...]] = {
    "Data": (
        *("dataset", "image_size", "augment", "validation_fraction", "split_seed", "limit_examples", "classes", "fit"),
        *("skip_broken", "keep_together", "data_dir", "download"),
    ),
    "Comparison": (
        *("optimizers", "seeds", "learning_rates", "losses", "batch_sizes", "looks", "margin", "grid_size", "extend"),
        *("usual_rates", "target", "workers", "trials_per_gpu", "dask_address"),
    ),
    "Network": ("model", "precision", "weights", "freeze", "unfreeze_after", "fine_tune_factor"),
    "Optimizer": (
        *("optimizer", "learning_rate", "schedule", "warmup_epochs", "weight_decay", "momentum", "nesterov"),
        *("beta_1", "beta_2", "epsilon", "amsgrad", "rho", "centered", "initial_accumulator_value", "beta_2_decay"),
        *(
            "epsilon_1",
            "epsilon_2",
            "clip_threshold",
            "relative_step",
            "learning_rate_power",
            "l1_regularization_strength",
        ),
        *("l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta", "ns_steps", "optimizer_args"),
        *("clip_norm", "accumulate", "average", "ema_momentum"),
    ),
    "Training": (
        *("epochs", "batch_size", "loss", "seed", "label_smoothing", "smooth_l1_beta", "loss_args"),
        *("class_weight", "metric", "keep", "patience", "shuffle", "repeat", "device", "threads"),
    ),
    "Recording": ("run_name", "experiment", "print_every", "test", "keep_predictions", "resume"),
}


def group_of(name: str) -> str:
    """Return the group in which a parameter is shown. KeyError for one that has no place in `GROUPS`."""
    return _GROUP[name]


_GROUP = {name: group for group, names in GROUPS.items() for name in names}


class ParameterGroup(BaseModel):
    """Parameters that belong together: frozen, and nothing but what is declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    def only(self, *names: str) -> dict[str, Any]:
        """Return the parameters of these names, as keyword arguments for a task that has the same."""
        return {name: getattr(self, name) for name in names}
