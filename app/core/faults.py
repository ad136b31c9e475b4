"""Points at which a crash test stops the process for good.

A fault point stands before and after every commit of a flow, at each chunk boundary and around
each call to the outside. It costs one dictionary look-up unless the environment names it:
`FAULTPOINT=billing.issue.before_commit` kills the process there,
`FAULTPOINT=billing.issue.before_commit:3` the third time it is reached.
"""

import os
import signal

_reached: dict[str, int] = {}


def faultpoint(name: str) -> None:
    """Do nothing, or die by SIGKILL when the environment asks for it."""
    wanted = os.environ.get("FAULTPOINT")
    if not wanted:
        return
    wanted_name, _, nth = wanted.partition(":")
    if wanted_name != name:
        return
    _reached[name] = _reached.get(name, 0) + 1
    if _reached[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
