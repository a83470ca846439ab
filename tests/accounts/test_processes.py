from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.accounts.spending import LIMIT, opened


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_never_spend_more_than_there_is(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path / "a.db")
    if kind == "postgres":
        where = request.getfixturevalue("postgres")
    command = [sys.executable, "-m", "tests.accounts.spending", kind, where]
    workers = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True)
        for seed in range(3)
    ]
    used = sum(int(worker.communicate(timeout=60)[0]) for worker in workers)
    assert all(worker.returncode == 0 for worker in workers)
    # what they may have spent, the unsettled leases of the dead in full, and what is left
    assert used + opened(kind, where).remaining().calls == LIMIT.calls
    assert used > 20
