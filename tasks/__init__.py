"""Where the world is touched: files, datasets, devices, the tracker. Each node of the DAG is a task here."""
