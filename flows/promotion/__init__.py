"""Whether a model takes the place of the one in use: what both say of the test images, the judgement, the aliases.

Imports `flows.comparison`, which can evaluate a trial again, `study`, and the rooms below.
"""
