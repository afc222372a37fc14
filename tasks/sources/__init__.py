"""Where labelled images come from, and in which order: names, what identifies a source, its files and labels.

Imports `served_model`, which reads an image, `tasks.foundation` and `tasks.terminal`.
"""
