"""Points at which a crash test stops the process for good.

A fault point stands before and after every commit (`commit.before`, `commit.after`: in
`unit_of_work`, the only place that commits), at the steps of every job, and around each call to the
outside. It costs one look-up unless the environment names it:
`FAULTPOINT=commit.before` kills the process there, `FAULTPOINT=commit.before:3` the third time.
`FAULTPOINT_LOG=file` only writes down which points are reached, for the census of the crash tests.
"""

import os
import signal
from pathlib import Path

_reached: dict[str, int] = {}


def faultpoint(name: str) -> None:
    """Do nothing, or die by SIGKILL when the environment asks for it."""
    log = os.environ.get("FAULTPOINT_LOG")
    if log:
        with Path(log).open("a", encoding="utf-8") as census:
            census.write(f"{name}\n")
    wanted = os.environ.get("FAULTPOINT")
    if not wanted:
        return
    wanted_name, _, nth = wanted.partition(":")
    if wanted_name != name:
        return
    _reached[name] = _reached.get(name, 0) + 1
    if _reached[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
