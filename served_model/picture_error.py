"""The error for what is no picture that a model takes."""


class PictureError(ValueError):
    """What was sent is no picture that the model takes; the text says which, what was received and what is allowed."""
