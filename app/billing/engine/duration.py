"""From billable seconds to billed seconds.

Minimum and increment act on the *billable* seconds of one unit (an entry, or what is rounded
together), never on elapsed time: a unit with nothing billable is billed nothing.
"""

from app.billing.engine.facts import Rounding
from app.core.money import round_half_up


def round_seconds(seconds: int, step: int, rounding: Rounding) -> int:
    """Seconds as a multiple of `step`; a step of nothing, or "exact", leaves them alone."""
    if step <= 0 or rounding == "exact":
        return seconds
    if rounding == "up":
        return -(-seconds // step) * step
    if rounding == "down":
        return seconds // step * step
    return round_half_up(seconds, step) * step


def least_seconds(minimum: int, increment: int, rounding: Rounding) -> int:
    """The least an entry is billed.

    A minimum that is no multiple of the increment counts as the next one, so that billing a billed
    time again changes nothing.
    """
    return minimum if rounding == "exact" else round_seconds(minimum, increment, "up")


def billed_seconds(billable_seconds: int, *, least: int, increment: int, rounding: Rounding) -> int:
    """Round the billable seconds of one unit, then hold them to the least that is billed."""
    if billable_seconds <= 0:
        return 0
    rounded = round_seconds(billable_seconds, increment, rounding)
    return max(rounded, least)


def between_edges(
    begin: int,
    end: int,
    *,
    begin_step: int = 0,
    end_step: int = 0,
    step: int = 0,
    rounding: tuple[Rounding, Rounding, Rounding],
) -> tuple[int, int, int]:
    """Round the begin, then the end, then the difference: (begin, end, seconds).

    For history whose system rounded the clock. `rounding` is that of begin, end and difference;
    outward is ("down", "up", "up"). Edges that pass each other leave no time.
    """
    begin_mode, end_mode, mode = rounding
    begin = round_seconds(begin, begin_step, begin_mode)
    end = round_seconds(end, end_step, end_mode)
    return begin, end, round_seconds(max(0, end - begin), step, mode)
