"""What the flows take: types, bounds, choices and descriptions, written once, and flat signatures made of them.

Imports `tasks.foundation` alone, so that help answers at once.
"""
