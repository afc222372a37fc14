"""How a flow run begins, goes on after an interruption, and ends, in Prefect and in MLflow, whatever ends it.

Imports `flows.parameters` and the rooms of `tasks`.
"""
