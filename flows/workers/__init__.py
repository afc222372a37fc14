"""The Dask workers that trials run on, and the process that they are forked off.

Imports `flows.parameters` and the rooms of `tasks`; it knows no flow, but names the modules that a fork is to have.
"""
