"""The server on a socket: who may reach it, and how it ends."""

from __future__ import annotations

import ipaddress
import math
import os
import socket

import uvicorn
from fastapi import FastAPI

from verifier_agent.errors import ConfigurationError
from verifier_agent.integrations.server.app import Limits


def listener(app: FastAPI, host: str = "127.0.0.1", port: int = 8000) -> uvicorn.Server:
    """Return a server for what `create_app` made; `run()` serves until SIGINT or SIGTERM.

    Then it takes no new request, works on for `shutdown_seconds`, and cancels what is left.

    Raises ConfigurationError for a host beyond loopback where there are no keys.
    """
    if not (app.state.keyed or _loopback(host)):
        raise ConfigurationError(
            f"host {host!r} can be reached from outside, and there are no keys: anybody could "
            "spend your money; give keys, or stay on 127.0.0.1"
        )
    limits: Limits = app.state.limits
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="info",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=math.ceil(limits.shutdown_seconds),
        )
    )


def opened(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 is any that is free.

    Raises ConfigurationError if that cannot be, as where another program has the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # a name that is not known has a number below 0, and only its own words
        why = os.strerror(number) if (number := error.errno or 0) > 0 else error.strerror
        raise ConfigurationError(f"host {host!r}, port {port}: {why}; choose another") from None


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"  # other names can mean anything, tomorrow something else
