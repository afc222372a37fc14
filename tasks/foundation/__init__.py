"""What every other room stands on: errors in plain words, the log, files that are whole or not there, crash points.

Imports none of the other rooms.
"""
