"""One event loop for each process, however many threads ask for the first time at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from verifier_agent.models import background
from verifier_agent.models.background import background_loop, wait_for


def test_threads_that_ask_first_at_once_get_one_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    both, made = threading.Barrier(2, timeout=30), []
    new = asyncio.new_event_loop

    def slow() -> asyncio.AbstractEventLoop:
        both.wait()  # the other thread is here too: nobody has a loop yet
        made.append(new())
        return made[-1]

    monkeypatch.setattr(background, "_LOOPS", {})
    monkeypatch.setattr(asyncio, "new_event_loop", slow)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: background_loop(), range(2))
    assert first is second
    assert len(made) == 2
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), first).result(30)
    first.call_soon_threadsafe(first.stop)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_works_on_a_loop_of_its_own_and_all_end_in_silence() -> None:
    told = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert told.stderr == ""
    assert told.returncode == 0
    assert told.stdout == "parent child parent 0 "


FORKING = """
import asyncio, os
from verifier_agent.models.background import begin, wait_for

async def say(word):
    await asyncio.sleep(0)
    print(word, end=" ", flush=True)

wait_for(say("parent"))
child = os.fork()
if not child:
    wait_for(say("child"))
    os._exit(0)
status = os.waitpid(child, 0)[1]
wait_for(say("parent"))
print(status, end=" ")
begin(asyncio.sleep(60))  # nobody waits for it
"""


def test_what_the_work_raises_is_raised_here() -> None:
    async def fail() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        wait_for(fail())


def test_work_that_is_not_done_in_time_is_cancelled() -> None:
    ended = threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        wait_for(work(), 0.05)
    assert ended.wait(30)
