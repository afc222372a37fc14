"""The error that means: the request cannot be served as it stands, and its text says what to change."""


class InputError(ValueError):
    """Bad input: says what was received, what is allowed and what to do. Ends a command with status 2."""
