"""What a person sent, field by field; each problem is kept with its field, all told at once."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

from app.core import formats, typed
from app.core.errors import RuleError
from app.core.numbers import cut, read_number
from app.timelog.rules import DAY, parse_duration

MOST = 10**12 - 1
"""The largest figure of a form: any amount in any currency, and no more than is kept."""
FINEST = Decimal("0.0001")


def _is_before_all(day: str) -> bool:
    try:
        return date.fromisoformat(day).year < typed.FIRST_YEAR
    except ValueError:
        return False


class Fields:
    """The values of a form. Reading one notes what is wrong with it; `check` raises all of it."""

    def __init__(self, sent: Mapping[str, str]) -> None:
        self.sent = sent
        self.errors: dict[str, list[str]] = {}

    def __getitem__(self, name: str) -> str:
        """What was typed, for showing it again."""
        return self.sent.get(name, "").strip()

    def refuse(self, name: str, problem: str) -> None:
        """Note a problem of a field."""
        self.errors.setdefault(name, []).append(problem)

    def check(self) -> None:
        """Raise `RuleError` with every problem noted so far."""
        problems = [problem for each in self.errors.values() for problem in each]
        if problems:
            raise RuleError(*problems)

    def add(self, error: RuleError) -> None:
        """Note what a command refused, unless it is what the fields have said already."""
        known = {problem for each in self.errors.values() for problem in each}
        for problem in error.problems:
            if problem not in known:
                self.refuse("", problem)

    @property
    def summary(self) -> list[tuple[str, str]]:
        """(id of the field, problem) pairs for the summary above the form."""
        return [
            (f"f-{name}" if name else "", problem)
            for name, problems in self.errors.items()
            for problem in problems
        ]

    def text(self, name: str, label: str, *, required: bool = False, longest: int = 300) -> str:
        """One line or more of text."""
        value = self[name]
        if required and not value:
            self.refuse(name, f"{label}: write something here.")
        if len(value) > longest:
            self.refuse(name, f"{label}: at most {longest} characters, this has {len(value)}.")
        return value

    def choice(self, name: str, label: str, choices: Collection[str], default: str) -> str:
        """One of the choices."""
        value = self[name] or default
        if value not in choices:
            self.refuse(name, f"{label}: {value!r} is none of the choices.")
            return default
        return value

    def day(
        self,
        name: str,
        label: str,
        *,
        required: bool = False,
        early: str = "give a later day",
    ) -> date | None:
        """A date as the browser's date field sends it; `early` is said of one before all."""
        value = self[name]
        try:
            if value:
                return typed.day(value)
        except ValueError:
            said = f"{cut(value)!r} is no date; write it like 2026-01-31."
            if _is_before_all(value):
                said = f"{value} is too early: {early}."
            self.refuse(name, f"{label}: {said}")
            return None
        if required:
            self.refuse(name, f"{label}: give a date.")
        return None

    def period(
        self, first: tuple[str, str], last: tuple[str, str]
    ) -> tuple[date | None, date | None]:
        """First and last day, each given as (name, label) and open where nothing is typed."""
        begin, end = self.day(*first), self.day(*last)
        if begin and end and end < begin:
            told = f"{formats.day(end)} is before {formats.day(begin)}: swap the two."
            self.refuse(last[0], f"{last[1]}: {told}")
        return begin, end

    def number(
        self,
        name: str,
        label: str,
        *,
        required: bool = False,
        least: int | None = None,
        most: int = MOST,
        currency: str = "",
    ) -> Decimal | None:
        """A decimal number from `least`, else -`most`, to `most`, of at most four decimals.

        `app.core.numbers.read_number` says how it may be written.
        """
        value = self[name]
        try:
            if value:
                number = read_number(value, most=most, currency=currency)
                return self._bounded(name, label, number, least, most)
        except RuleError as error:
            self.refuse(name, f"{label}: {error}")
            return None
        if required:
            self.refuse(name, f"{label}: give a number.")
        return None

    def _bounded(
        self, name: str, label: str, number: Decimal, least: int | None, most: int
    ) -> Decimal | None:
        least = -most if least is None else least
        if number > most:
            self.refuse(name, f"{label}: {cut(self[name])} is too large; give at most {most:,}.")
        elif number < least:
            self.refuse(name, f"{label}: {cut(self[name])} is too small; give at least {least:,}.")
        elif number != number.quantize(FINEST):
            self.refuse(name, f"{label}: give at most four decimals.")
        else:
            return number
        return None

    def seconds(self, name: str, label: str, *, most: int | None = None) -> int:
        """A duration as minutes, 0:25 or 1h30, of `most` days at most; nothing is 0."""
        value = self[name]
        try:
            seconds = parse_duration(value) if value and value != "0" else 0
        except RuleError as error:
            self.refuse(name, f"{label}: {error}")
            return 0
        if most is not None and seconds > most * DAY:
            days = "a day" if most == 1 else f"{most} days"
            self.refuse(name, f"{label}: {cut(value)} is too long; give at most {days}.")
            return 0
        return seconds

    def id(self, name: str) -> int | None:
        """The id of a row, chosen from a list."""
        value = self[name]
        return typed.id_of(value)

    def whole(self, name: str, label: str, *, default: int = 0, most: int = typed.LARGEST) -> int:
        """A whole number, on either side of 0 as far as `most`."""
        value = self[name]
        if not value:
            return default
        try:
            number = typed.whole(value)
        except ValueError:
            number = most + 1
        if abs(number) <= most:
            return number
        self.refuse(name, f"{label}: {cut(value)!r} is no whole number, or too large.")
        return default
