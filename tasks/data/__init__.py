"""From images on disk or in a package to a prepared set: sources, resizing, splits, digests, reading.

Imports `tasks.foundation` and `tasks.terminal`.
"""
