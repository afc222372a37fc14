"""The Prefect and the MLflow server, started with safe settings. docs/security.md says what they protect."""

from __future__ import annotations

import os
import secrets
from importlib.metadata import version
from pathlib import Path

from flows.servers.access import Access
from flows.servers.own_pages import OWN_ORIGINS
from flows.servers.server_process import Server
from tasks.foundation.errors import InputError
from tasks.tracking.databases import keep_private, migration_lock


def start_prefect(port: int, access: Access) -> Server:
    """Start a Prefect server that pages of other sites cannot talk to.

    Raises:
        InputError: its home cannot be written, or it would ask for a password that we do not know.
    """
    from prefect.settings import get_current_settings

    _require_one_password()
    home, configured = _prefect_home(), get_current_settings().server.database.connection_url
    database = configured.get_secret_value() if configured else f"sqlite:///{home / 'prefect.db'}"
    origins = _origins(access, port, "PREFECT_SERVER_CORS_ALLOWED_ORIGINS")
    settings = {
        OWN_ORIGINS: origins,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": origins,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_BASE_PATH": "/api",  # where we look for it, and its pages do
        "PREFECT_SERVER_UI_API_URL": "/api",  # whatever name the browser knows this machine by
    }
    if access.prefect_password:
        settings["PREFECT_SERVER_API_AUTH_STRING"] = access.prefect_password
    return Server(
        "Prefect",
        ["flows.servers.serve_prefect", access.host, str(port)],
        f"{access.local_url(port)}/api/health",
        settings,
        alone=migration_lock(database, "prefect"),
        faults={
            "Can't locate revision": f"a newer Prefect than {version('prefect')} has used its database already, below "
            f"{str(home)!r}; set PREFECT_HOME to another folder, or install that Prefect"
        },
    )


def start_mlflow(port: int, store: str, access: Access) -> Server:
    """Start an MLflow server that answers to its own names only, and to pages of its own only."""
    origins = _origins(access, port, "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS")
    command = [
        *("mlflow", "server", "--host", access.host, "--port", str(port), "--workers", "1"),
        *("--artifacts-destination", str(Path("mlartifacts").absolute())),
        *("--allowed-hosts", ",".join(f"{name}:{port}" for name in access.names)),
        *("--cors-allowed-origins", origins),
        *("--uvicorn-opts", "--http flows.servers.own_pages_protocol:OwnPagesProtocol"),
    ]
    settings = {
        OWN_ORIGINS: origins,
        "MLFLOW_BACKEND_STORE_URI": store,  # here and not among the arguments, which every user of the machine can see
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its jobs are about language models
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    }
    if access.mlflow_password:
        keep_private(Path("basic_auth.db"))
        command += ["--app-name", "basic-auth"]
        settings |= {
            "MLFLOW_AUTH_ADMIN_USERNAME": access.mlflow_user,
            "MLFLOW_AUTH_ADMIN_PASSWORD": access.mlflow_password,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(32),
        }
    return Server("MLflow", command, f"{access.local_url(port)}/health", settings)


def _origins(access: Access, port: int, variable: str) -> str:
    """Return whose pages are answered: the server's own, and those that a person has named, such as of a proxy."""
    named = [origin.strip() for origin in os.environ.get(variable, "").split(",")]
    return ",".join([*access.origins(port), *(origin for origin in named if origin not in ("", "*"))])


def _prefect_home() -> Path:
    from prefect.settings import get_current_settings

    home = get_current_settings().home
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(_unusable_home(home, error.strerror or str(error))) from error
    if not os.access(home, os.W_OK):
        raise InputError(_unusable_home(home, "it cannot be written"))
    return home


def _unusable_home(home: Path, why: str) -> str:
    return f"Prefect's home {str(home)!r} cannot be used ({why}); set PREFECT_HOME to a folder that can be written"


def _require_one_password() -> None:
    """Raise InputError if a server of ours would ask for another password than we, and all that we start, give."""
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    asked, given = settings.server.api.auth_string, settings.api.auth_string
    if asked and asked != given:
        raise InputError(
            "PREFECT_SERVER_API_AUTH_STRING is set, and PREFECT_API_AUTH_STRING is not, or differs: the server would "
            "refuse all that we send; set both to the same USER:PASSWORD, or unset both"
        )
