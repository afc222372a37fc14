"""Pure Keras and NumPy: the same arguments give the same result; no files, clock, Prefect or MLflow."""
