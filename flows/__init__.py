"""Which tasks run, in which order, with which parameters."""

import os

# TensorFlow's kernels of oneDNN halve the time of a step. It uses them by itself on processors with VNNI alone; here
# they are used on all, in whatever process a flow runs: so a cluster has one set of numbers. 0 turns them off.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # read when TensorFlow is imported, which nothing above does
# Pictures go to files. A notebook names its own display here, which matplotlib refuses where it is not installed.
os.environ["MPLBACKEND"] = "agg"
