"""The parameters that a training run and a comparison have in common: types, bounds, choices and descriptions.

The command line, the form in the Prefect UI, ``prefect deployment run --param`` and the Python call all read
the models of this room. Nothing heavy is imported here, so that ``--help`` answers at once.
"""

from __future__ import annotations

from flows.parameters.data import DataParameters
from flows.parameters.network import NetworkParameters
from flows.parameters.optimizer import OptimizerParameters
from flows.parameters.recording import RecordingParameters
from flows.parameters.training import TrainingParameters


class SharedParameters(RecordingParameters, TrainingParameters, OptimizerParameters, NetworkParameters, DataParameters):
    """What a training run and a comparison of many have in common, group by group."""
