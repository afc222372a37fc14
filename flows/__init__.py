"""Which tasks run, in which order, with which parameters."""
