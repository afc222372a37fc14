"""The Prefect and the MLflow server, started with safe settings. docs/security.md says what they protect."""

from __future__ import annotations

import secrets
from pathlib import Path

from flows.servers.access import Access
from flows.servers.server_process import Server
from tasks.tracking.databases import migration_lock


def start_prefect(port: int, access: Access) -> Server:
    """Start a Prefect server that pages of other sites cannot talk to."""
    from prefect.settings import get_current_settings

    home, configured = get_current_settings().home, get_current_settings().server.database.connection_url
    home.mkdir(parents=True, exist_ok=True)
    database = configured.get_secret_value() if configured else f"sqlite:///{home / 'prefect.db'}"
    settings = {
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(access.origins(port)),
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_UI_API_URL": "/api",  # whatever name the browser knows this machine by
    }
    if access.prefect_password:
        settings["PREFECT_SERVER_API_AUTH_STRING"] = access.prefect_password
    return Server(
        "Prefect",
        ["prefect", "server", "start", "--host", access.host, "--port", str(port)],
        f"{access.local_url(port)}/api/health",
        settings,
        alone=migration_lock(database, "prefect"),
    )


def start_mlflow(port: int, store: str, access: Access) -> Server:
    """Start an MLflow server that answers to its own names only, and to pages of its own only."""
    command = [
        *("mlflow", "server", "--host", access.host, "--port", str(port), "--workers", "1"),
        *("--artifacts-destination", str(Path("mlartifacts").absolute())),
        *("--allowed-hosts", ",".join(f"{name}:{port}" for name in access.names)),
        *("--cors-allowed-origins", ",".join(access.origins(port))),
    ]
    settings = {
        "MLFLOW_BACKEND_STORE_URI": store,  # here and not among the arguments, which every user of the machine can see
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its jobs are about language models
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    }
    if access.mlflow_password:
        command += ["--app-name", "basic-auth"]
        settings |= {
            "MLFLOW_AUTH_ADMIN_USERNAME": access.mlflow_user,
            "MLFLOW_AUTH_ADMIN_PASSWORD": access.mlflow_password,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(32),
        }
    return Server("MLflow", command, f"{access.local_url(port)}/health", settings)
