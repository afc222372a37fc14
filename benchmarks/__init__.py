"""How long things take, in turn with what they are measured by: ``python -m benchmarks``."""
