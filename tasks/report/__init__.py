"""Pictures of a run, and a comparison as pictures, tables and one HTML page.

Imports `study`, `models` and `tasks.foundation`; it knows nothing of stores and flows.
"""
