"""What a person sees while a command runs: lines, progress bars, and no noise of other libraries.

Imports `tasks.foundation`.
"""
