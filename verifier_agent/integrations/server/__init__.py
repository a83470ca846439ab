"""An OpenAI-compatible server over verifier agents (extra `serve`).

>>> from verifier_agent.integrations.server import Served, create_app
>>> app = create_app({"small": Served(model="embedded")})
"""

from importlib.util import find_spec

from verifier_agent import errors

if find_spec("fastapi") is None or find_spec("prometheus_client") is None:
    raise errors.MissingExtra("the server", "serve")

from verifier_agent.integrations.server.app import Limits, create_app
from verifier_agent.integrations.server.keys import Key
from verifier_agent.integrations.server.served import Served

__all__ = ["Key", "Limits", "Served", "create_app"]
