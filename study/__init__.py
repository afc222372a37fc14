"""What reasons about a comparison: from what trials came to, to what follows. Same trials, same answer.

Knows no files, clock, Prefect, MLflow or TensorFlow: it imports NumPy, SciPy, pydantic and itself.
"""
