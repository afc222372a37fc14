"""A stored model as an HTTP server, in this process, for as long as it is wanted."""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import uvicorn
from rich.console import Console

from flows.servers.access import Access
from flows.servers.callers import Callers
from flows.servers.impatient_protocol import ImpatientProtocol
from flows.servers.requests_of_pictures import Limits
from flows.servers.scoring_app import ScoringApp
from served_model.answers import answers
from served_model.description import ModelDescription
from tasks.foundation.errors import InputError
from tasks.terminal.messages import say

if TYPE_CHECKING:
    from served_model.classifier import Classifier

CONNECTIONS = 512  # open at a time; more are told that the server is busy
GRACE_SECONDS = 5  # for what is being answered when the server ends


def serve_model(console: Console, name: str, classifier: Classifier, place: Place) -> None:
    """Answer to pictures until the person interrupts, which ends it with KeyboardInterrupt.

    Args:
        console: Where the address is told.
        name: Of the model, for the person.
        classifier: The model.
        place: Where it listens, and to whom it answers.
    """
    limits = Limits()
    # The graph is made now, and not while the first one who asks waits.
    classifier.predict(np.zeros((1, *classifier.description.image_shape), dtype=np.uint8))
    answering = partial(answers, classifier, most_pixels=limits.pixels)
    app = ScoringApp(answering, Callers(place.access, place.port), limits)
    config = uvicorn.Config(
        app,
        http=ImpatientProtocol,  # which bounds headers, too
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level="error",  # else each request that is no HTTP would write a line
        access_log=False,
        proxy_headers=False,  # who asks is nobody's word but the connection's own
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    say(console, _told(name, classifier.description, place))
    uvicorn.Server(config).run(sockets=[place.listening])


class Place:
    """A port that is listened on: before anything is loaded, so that one that is taken is told at once.

    Raises:
        InputError: the port is none, or is taken.
    """

    def __init__(self, access: Access, port: int) -> None:
        if not 1 <= port <= 65535:
            raise InputError(f"--port: received {port}; allowed: 1 to 65535")
        try:
            self.listening = socket.create_server((access.host, port))
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise InputError(
                f"port {port} of {access.host} cannot be listened on ({why}); is a model served there already? "
                "If not, give another port: --port"
            ) from error
        self.access = access
        self.port = port


def _told(name: str, description: ModelDescription, place: Place) -> str:
    url = f"{place.access.public_url(place.port)}/invocations"
    height, width, channels = description.image_shape
    login = ' -u "$MLFLOW_TRACKING_USERNAME:$MLFLOW_TRACKING_PASSWORD"' if place.access.mlflow_password else ""
    colour = "grey" if channels == 1 else "colour"
    return (
        f"Model    {name}: {len(description.classes)} classes, pictures of {width}x{height} pixels in {colour}\n"
        f"Address  {url}\n"
        'Ask it   printf \'{"instances": ["%s"]}\' "$(base64 < PICTURE.png | tr -d \'\\n\')" |\n'
        f"           curl -H 'Content-Type: application/json' -d @-{login} {url}\n"
        "Ctrl-C ends it."
    )
