"""A comparison that runs: its trials on the workers, what the store has of them, the estimate, the answer.

Imports `flows.train`, of which a trial is one run, `study`, and the rooms below.
"""
