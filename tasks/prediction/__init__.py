"""What a stored model says of pictures: asked block by block, counted, shown, written down; and the model exported.

Imports `served_model`, which reads and answers, `tasks.sources`, `tasks.report`, and what is below these.
"""
