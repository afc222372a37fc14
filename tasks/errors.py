"""The errors whose text is all that a person needs: no traceback would say more."""


class InputError(ValueError):
    """Bad input: says what was received, what is allowed and what to do. Ends a command with status 2."""


class ServerError(RuntimeError):
    """A server that the pipeline started did not come up, or ended."""
