"""The errors that people may read; everything else is a plain 500 with an incident id."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class RuleError(Exception):
    """A rule of the business refuses. Exit 1 on the command line, a flashed message on a page.

    `problems` holds every reason at once, each saying what, where and how to mend it.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Reasons:
    """Gathers what several steps refuse, so that a person reads all of it at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def of(self, step: Callable[[], T]) -> T | None:
        """Return what a step gives; None where it was refused, its reasons kept."""
        try:
            return step()
        except RuleError as error:
            self.problems += error.problems
            return None

    def check(self) -> None:
        """Raise `RuleError` with every reason, if there is one."""
        if self.problems:
            raise RuleError(*self.problems)


class UnusableInputError(RuleError):
    """Arguments or a file that cannot be used at all. Exit 2 on the command line."""


class NotFoundError(RuleError):
    """No such thing, or not for this viewer; the two are never told apart. 404 on a page."""


class ForbiddenError(RuleError):
    """Not for the role of this person. 403 on a page, with these words."""


class StaleError(RuleError):
    """Somebody else saved first. 409 on a page, which shows both texts."""
