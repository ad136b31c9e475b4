"""Rounding policies written in words, as worked examples name them.

Known phrases are taken out of a wording one by one, each saying what it means; when anything but
connecting words is left over, the wording is not understood.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from app.billing.engine.facts import Amounts, Prices, Rounding, TaxScope


class UnknownWordingError(Exception):
    """The wording, a field or a topic means something the engine does not know."""


@dataclass(slots=True)
class Wording:
    """What a policy in words asks for; None where it says nothing."""

    edges: bool = False
    rounding: Rounding | None = None
    step_seconds: int | None = None
    amounts: Amounts | None = None
    tax_scope: TaxScope | None = None
    prices: Prices | None = None
    cash_step: Decimal | None = None
    finished_work: bool = False


Meaning = Callable[[Wording, re.Match[str]], None]

MODES: dict[str, Rounding] = {
    "exact": "exact",
    "none": "exact",
    "up": "up",
    "ceil": "up",
    "down": "down",
    "floor": "down",
    "nearest": "nearest",
    "closest": "nearest",
    "to nearest": "nearest",
}
_UNITS = {"s": 1, "m": 60, "h": 3600}


def _says(**values: object) -> Meaning:
    def apply(wording: Wording, match: re.Match[str]) -> None:
        for name, value in values.items():
            if getattr(wording, name) not in {None, False, value}:
                raise UnknownWordingError(f"{match[0]} contradicts what is said before.")
            setattr(wording, name, value)

    return apply


def _step(wording: Wording, match: re.Match[str]) -> None:
    number = match["number"]
    step = int(number) * _UNITS[match["unit"][0]] if number else 900
    _says(rounding=MODES[match["mode"]], step_seconds=step)(wording, match)


def _mode(wording: Wording, match: re.Match[str]) -> None:
    wording.rounding = MODES[match["mode"]]


def _cash(wording: Wording, match: re.Match[str]) -> None:
    wording.cash_step = Decimal(match["step"])


_nothing: Meaning = _says()

_EACH_ENTRY = r"(?:each|every|one|per)(?: time)?(?: entry)?(?:'s)?(?: time| length| duration)?"
_STEP = r"(?:(?P<number>\d+) ?-?|quarter )(?P<unit>minutes?|min|m|seconds?|s|hours?|h)\b"
_HOURS = r"(?:(?:each|every|per) entry(?:'s)? )?hours(?:(?: per| each| every)? entry)?"
_EACH_AMOUNT = (
    r"(?:each|every)(?: entry)?(?:'s)? amount(?: per entry)?|one amount per entry"
    r"|amounts?(?: per| each| for each)? entry"
    r"|(?:each|every|per) entry(?:'s)? to (?:2 places|cents?)|(?:each|every) entry"
)

# Over wordings without their filling words; the longer phrase stands before the shorter one.
_PHRASES: tuple[tuple[str, Meaning], ...] = (
    # time
    (r"begin(?:ning)?,? end,? (?:difference|duration)", _says(edges=True)),
    (r"\bedges(?: outward)?\b", _says(edges=True)),
    (rf"{_EACH_ENTRY} (?P<mode>up|down|to nearest)(?: to)? {_STEP}", _step),
    (r"length (?:one|each|every) entry|length entry", _nothing),
    # amounts of time
    (r"\bline[- ]once\b", _says(amounts="line-once")),
    (r"\bentry[- ]once\b", _says(amounts="entry-once")),
    (r"\bentry[- ]4dp\b", _says(amounts="entry-4dp")),
    (r"\bhours[- ]2dp\b", _says(amounts="hours-2dp")),
    (
        r"sum(?: exact)?(?: seconds| times?| hours)?,?(?: one)? amount(?: once)?",
        _says(amounts="line-once"),
    ),
    (
        rf"{_HOURS} to 2 places(?:,? amount(?: to 2 places)?)?",
        _says(amounts="hours-2dp"),
    ),
    (rf"(?:amount|{_EACH_AMOUNT}) to 4 places", _says(amounts="entry-4dp")),
    (rf"(?:{_EACH_AMOUNT})(?: to (?:2 places|cents?))?", _says(amounts="entry-once")),
    (r"amount to 2 places", _says(amounts="entry-once")),
    (r"\bexact (?:seconds|hours|time)\b", _nothing),
    (r"bill finished work only", _says(finished_work=True)),
    # taxes
    (
        r"tax(?:es)? taken out (?:each|every)(?: gross)? line",
        _says(tax_scope="line", prices="inclusive"),
    ),
    (
        r"tax(?:es)? taken out (?:sum|total)(?: lines)?(?: (?:one|each) rate)?",
        _says(tax_scope="category", prices="inclusive"),
    ),
    (r"tax(?:es)? (?:per|on each|each|by|on every|every) line", _says(tax_scope="line")),
    (r"(?:each )?line tax(?:es)?", _says(tax_scope="line")),
    (
        r"tax per category(?: rate)?(?: on \(line nets - allowances \+ charges\))?",
        _says(tax_scope="category"),
    ),
    (r"taxable amount sum line nets", _says(tax_scope="category")),
    (r"tax = taxable x rate", _says(tax_scope="category")),
    (r"tax (?:computed )?on (?:sum|total)(?: lines)?", _says(tax_scope="category")),
    (r"each tax on its own", _nothing),
    (r"(?:prices? |tax )?\binclusive(?: prices?)?\b", _says(prices="inclusive")),
    (r"(?:prices? |tax )?\bexclusive(?: prices?)?\b", _says(prices="exclusive")),
    (r"discount before tax", _nothing),
    (r"discount spread over lines by their amounts?", _nothing),
    (r"line nets?", _nothing),
    (r"\ben 16931\b", _nothing),
    (r"credit line on same invoice", _nothing),
    (r"negative tax(?: \(withholding\))?", _nothing),
    (r"\b(?:several|two|mixed) (?:taxes|rates|lines)\b", _nothing),
    # totals and parts of prices
    (r"total to nearest (?P<step>\d+(?:\.\d+)?)", _cash),
    (r"credit charge each", _nothing),
    (r"net their difference", _nothing),
    # bare names of policies, and what every rounding here does anyway
    (r"^(?P<mode>exact|up|down|nearest)$", _mode),
    (r"^(?:tax scope )?category$", _says(tax_scope="category")),
    (r"^(?:tax scope )?line$", _says(tax_scope="line")),
    (r"\bto 2(?: places)?\b", _nothing),
    (r"\b(?:sum(?:med)?|add(?:ed)?)(?: up)?(?: them| amounts)?\b", _nothing),
)
_PATTERNS = tuple((re.compile(pattern), meaning) for pattern, meaning in _PHRASES)
_FILLING = re.compile(
    r"\bhalf up\b|\b(?:rounded|rounding|round|first|then|is|are|the|a|an|and|of|full|next|whole)\b"
)
_PLACES = re.compile(r"\b(\d) (?:decimal places|decimals|digits)\b")


def understand(policy: str) -> Wording:
    """What a policy in words asks for; refuses a wording with anything unknown in it."""
    wording = Wording()
    rest = policy.strip().casefold().replace("\u2019", "'")
    rest = " ".join(_PLACES.sub(r"\1 places", _FILLING.sub(" ", rest)).split()).replace(" ,", ",")
    for pattern, meaning in _PATTERNS:
        for match in pattern.finditer(rest):
            meaning(wording, match)
        rest = pattern.sub(",", rest)
    if set(rest) - set(" ,;:."):
        raise UnknownWordingError(policy)
    return wording
