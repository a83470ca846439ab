"""Who may use the server: keys, each with a name, and an account of its own where it has one."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from verifier_agent.accounts import Account
from verifier_agent.errors import ConfigurationError
from verifier_agent.integrations.server.refusals import Refused

SHORTEST = 16
"""Characters of a secret; shorter ones can be guessed."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """One client's key."""

    name: str
    """What metrics and logs call it."""
    secret: str = field(repr=False)
    """Sent by the client as `Authorization: Bearer SECRET`."""
    account: Account | None = None
    """What all requests with this key together may spend; None: no limit but that of each run."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]{1,100}", self.name):
            raise ConfigurationError(
                f"key name {self.name!r}: letters, digits, '.', '_' and '-' are possible"
            )
        if len(self.secret) < SHORTEST or not self.secret.isascii() or " " in self.secret:
            raise ConfigurationError(
                f"the secret of key {self.name!r} needs at least {SHORTEST} characters, ASCII and "
                "without spaces"
            )


NOBODY = Key(name="nobody", secret="held-by-no-ring-and-sent-by-nobody")
"""Who asks where no key is needed."""


class Ring:
    """All keys of a server, found by their secret."""

    def __init__(self, keys: Sequence[Key]) -> None:
        """Raises ConfigurationError for two keys of one name or secret."""
        self._keys = {_digest(key.secret.encode()): key for key in keys}
        if len(self._keys) < len(keys) or len({key.name for key in keys}) < len(keys):
            raise ConfigurationError("two keys have the same name or the same secret")

    def __bool__(self) -> bool:
        return bool(self._keys)

    def find(self, header: bytes) -> Key:
        """Return the key in an Authorization header; raises Refused with status 401."""
        kind, _, secret = header.partition(b" ")
        given = _digest(secret.strip())
        found = None
        # every key is compared, and each in the same time, so that answers tell nothing of them
        for digest, key in self._keys.items():
            if hmac.compare_digest(digest, given):
                found = key
        if kind.lower() != b"bearer" or found is None:
            raise Refused(
                401,
                "a key is needed: Authorization: Bearer KEY" if not header else "wrong key",
                code="invalid_api_key",
                headers={"www-authenticate": "Bearer"},
            )
        return found


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
