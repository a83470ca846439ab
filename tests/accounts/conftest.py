"""Accounts of every kind, and a PostgreSQL of our own where the programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from verifier_agent import Budget
from verifier_agent.accounts import Account, MemoryAccount, PostgresAccount, SQLiteAccount

Make = Callable[..., Account]


def program(name: str) -> str | None:
    """Find one of PostgreSQL's programs, which Debian keeps out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a private server on a Unix socket, and give its connection string."""
    pytest.importorskip("psycopg")
    initdb, server = program("initdb"), program("pg_ctl")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed")
    home = tmp_path_factory.mktemp("postgres")
    as_user: dict[str, Any] = {}
    if os.getuid() == 0:  # which it refuses to run as
        user = pwd.getpwnam("postgres" if "postgres" in _users() else "nobody")
        home = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
        os.chown(home, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": home}
    data = home / "data"
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, **as_user}
    subprocess.run([initdb, "-D", data, "-U", "tests", "-A", "trust", "--no-sync"], **quiet)
    options = f"-k {home} -c listen_addresses='' -c fsync=off"
    control = [server, "-D", data, "-l", home / "log", "-w"]
    subprocess.run([*control, "-o", options, "start"], **quiet)
    try:
        yield f"host={home} user=tests dbname=postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(home, ignore_errors=True)


def _users() -> set[str]:
    return {entry.pw_name for entry in pwd.getpwall()}


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Give what makes an account of each kind."""
    if request.param == "memory":
        return MemoryAccount
    if request.param == "sqlite":
        return lambda budget, **more: SQLiteAccount(tmp_path / "a.db", budget, **more)
    connect = request.getfixturevalue("postgres")
    name = str(tmp_path)

    def in_postgres(budget: Budget | None, **more: Any) -> Account:
        return PostgresAccount(connect, budget, **{"name": name, **more})

    return in_postgres
