"""What every other room stands on: the environment, errors in words, the log, files whole or not there, crash points.

Imports none of the other rooms.
"""
