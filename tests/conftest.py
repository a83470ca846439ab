"""What must be set before anything is imported, and the settings of Hypothesis."""

from __future__ import annotations

import os
import signal

# a shell has its background jobs ignore Ctrl-C, and so would the processes that tests start
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# state must survive a checkpointer that takes plain values only
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
# one worker per core: threads of numpy would wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

# the same examples on every run, and no deadline on a busy machine
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
