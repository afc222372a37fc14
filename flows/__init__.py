"""Which tasks run, in which order, with which parameters."""

import os

from tasks.foundation.environment import settle_environment

# Here, as every process in which a flow runs imports this first, before TensorFlow, Keras, Prefect and MLflow.
settle_environment(os.environ)
