"""From a source of images to a prepared set: splits (and others of the same images), arrays, digests, reading.

Imports `tasks.sources` and what is below it.
"""
