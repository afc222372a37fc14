"""The command `serve`."""

from __future__ import annotations

import signal

from rich.console import Console

from flows.command_line.session import DONE
from tasks.terminal.messages import quiet_start, take_over_logging


def serve(model: str, /, *, host: str = "127.0.0.1", port: int = 5001) -> int:
    """Let a stored model answer to pictures over HTTP, as MLflow's scoring server does, until it is interrupted.

    Args:
        model: A run, a study (the model that it recommends), or a registered model: NAME@ALIAS, NAME/VERSION.
        host: Where it listens: this machine alone, or 0.0.0.0 for all that can reach it, who need MLflow's user and
            password then.
        port: The port.
    """
    from flows.servers.access import model_access_for
    from flows.servers.serve_model import Place, serve_model

    console = Console()
    take_over_logging(console)
    place = Place(model_access_for(host), port)
    try:
        with quiet_start():
            from tasks.prediction.fetched_model import fetched_model

            with fetched_model(model) as fetched:
                classifier = fetched.opened()
        take_over_logging(console)  # which what was imported has changed
        serve_model(console, model, classifier, place)
    except KeyboardInterrupt:  # the way to end it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return DONE
