"""The commands, and their options, which are made from the parameters.

Imports everything below, each when it is needed: help imports neither TensorFlow nor Prefect.
"""
