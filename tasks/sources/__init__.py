"""Where labelled images come from, and how they are read: names, what identifies a source, decoding, resizing.

Imports `tasks.foundation` and `tasks.terminal`.
"""
