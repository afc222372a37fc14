"""Made-up worlds, and the studies that are simulated in them: how often the rules of `study/` are wrong.

Imports `study/` alone, whose pure functions are what is measured here; trains nothing.
"""
