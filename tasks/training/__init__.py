"""What a fit needs: its state and checkpoints, the device, and an end that breaks no step off.

Imports `models`, and of `tasks` the rooms named above.
"""
