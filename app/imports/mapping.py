"""Which column of a foreign file means what: synonyms, presets of known exports, identity. Pure.

A mapping goes from header to target field; a header that no target wants becomes an extra field
under its own name, and one mapped to "" is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.core.errors import UnusableInputError
from app.imports import headers as words
from app.imports.dialect import REASON_HEADER
from app.imports.moments import time_of_day
from app.imports.values import fold_name, key, tidy

KINDS = ("companies", "contacts", "tickets", "time")
EXTRA = "extra"
# Fields that are yes or no: only they are asked for by headers such as "Employee?".
ANSWERS = frozenset({"billable"})
# Our own exports, and what stands before the name of an extra field in their headers.
OWN = "tallydesk"
OWN_EXTRA = "Extra: "
IGNORED = ""

# What an invoice export carries beside the customer; it is not the customer's and is left out.
_OF_INVOICES = frozenset(
    {
        "invoicenumber",
        "invoiceno",
        "invoiceid",
        "rechnungsnummer",
        "rechnungsnr",
        "numerofacture",
        "nofacture",
        "numerofactura",
        "factuurnummer",
    }
)


@dataclass(frozen=True, slots=True)
class Preset:
    """A known export: recognised when all `needs` are among the headers.

    `fixes` say which header means a field; "" that none does.
    """

    name: str
    kinds: tuple[str, ...]
    needs: frozenset[str]
    fixes: Mapping[str, str] = field(default_factory=dict)


def _preset(known: str, kinds: str, needs: str, **fixes: str) -> Preset:
    return Preset(known, tuple(kinds.split()), frozenset(needs.split()), fixes)


PRESETS = (
    _preset(OWN, "companies contacts tickets time", "tallydeskid"),
    _preset(
        "zoho",
        "companies",
        "displayname companyname customerid contacttype",
        name="companyname",
        external_id="customerid",
    ),
    _preset("zoho", "contacts", "displayname companyname customerid contacttype", name=""),
    _preset(
        "zoho",
        "companies",
        "invoiceid customername customerid",
        name="customername",
        external_id="customerid",
    ),
    # its column shipping_address says whether there is one
    _preset(
        "wave",
        "companies contacts",
        "customername contactfirstname customercurrency",
        shipping_street="shiptoaddressline1",
    ),
    _preset("wave", "companies", "transactionid accountname customer", name="customer"),
    _preset("freshbooks", "companies contacts", "organization firstname lastname provincestate"),
    _preset("freshbooks", "companies", "clientname invoiceno dateissued", name="clientname"),
    # its second column Phone is the contact's
    _preset(
        "invoiceninja",
        "companies",
        "name balance paidtodate idnumber vatnumber",
        name="name",
        external_id="idnumber",
        contact_phone="phone2",
    ),
    _preset("itflow", "companies", "clientname industry referral abbreviation", name="clientname"),
    _preset("gleif", "companies", "lei", external_id="lei"),
    _preset("sp500", "companies", "symbol security", name="security", external_id="symbol"),
    _preset(
        "servicenow", "tickets", "number incidentstate", number="number", status="incidentstate"
    ),
    _preset("clockify", "time", "user durationh durationdecimal"),
    _preset("clockify", "time", "user group starttime endtime"),
    _preset("toggl", "time", "user email startdate starttime enddate endtime"),
    _preset("harvest", "time", "date hours firstname lastname"),
    _preset("harvest", "companies", "clientname address"),
)

REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "companies": (("name",),),
    "contacts": (("name", "first_name", "last_name", "email"),),
    "tickets": (("number", "subject"),),
    "time": (
        ("person", "email", "first_name", "last_name"),
        ("start", "start_date", "date"),
        ("end", "end_time", "duration", "hours", "minutes", "seconds"),
    ),
}


# A header alone does not make these columns ours: the values must be among these words.
_CLOSED: dict[str, frozenset[str]] = {
    "kind": frozenset({"group", "company", "site", "department"}),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column of one file means.

    `targets` goes from target field to the position of its column, `extras` from position to the
    name under which its text is kept. `ids` are the columns that could identify a row, the surest
    first; `identity` is the one that does, once the rows were seen. `is_id_stated` says that a
    person named it, or our own export; else it is a guess. `clashes` are its values that stand
    beside different names, with the lines of two; `doubts` say of a column why it was dropped
    though we had guessed it. `invoices` says that the rows are invoices, of which only the
    customers are wanted.
    """

    kind: str
    preset: str
    headers: tuple[str, ...]
    targets: Mapping[str, int]
    extras: Mapping[int, str]
    ids: tuple[int, ...] = ()
    identity: int | None = None
    is_id_stated: bool = False
    clashes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    doubts: Mapping[int, str] = field(default_factory=dict)
    invoices: bool = False

    @property
    def source(self) -> str:
        """Where the external ids come from: the preset with the folded header of the id column."""
        at = self.identity if self.identity is not None else self.targets.get("number")
        if self.preset == OWN or at is None:
            return self.preset
        return f"{self.preset}:{key(self.headers[at])}"

    @property
    def required(self) -> frozenset[int]:
        """The columns that no row may lack."""
        groups = REQUIRED[self.kind]
        wanted = {field for group in groups if len(group) == 1 for field in group}
        return frozenset(self.targets[name] for name in wanted if name in self.targets)

    def as_json(self) -> dict[str, str]:
        """Header -> target field, "extra" or "" (left out): the form that `--mapping` reads."""
        by_position = {position: target for target, position in self.targets.items()}
        return {
            header: by_position.get(position, EXTRA if position in self.extras else IGNORED)
            for position, header in enumerate(self.headers)
        }


def knows(kind: str, header: str) -> bool:
    """Say whether a cell is a header that this kind of import recognises."""
    return key(header) in _KNOWN[kind]


_KNOWN = {
    kind: frozenset(name for names in fields.values() for name in names)
    | frozenset(need for preset in PRESETS if kind in preset.kinds for need in preset.needs)
    for kind, fields in words.by_kind().items()
}


def propose(
    kind: str,
    headers: Sequence[str],
    sample: Iterable[Sequence[str]] = (),
    chosen: Mapping[str, str] | None = None,
    *,
    complete: bool = True,
) -> Columns:
    """Propose what each column means; `sample` is a few data rows, `chosen` overrides.

    Raises UnusableInputError, listing the headers, when a needed column is not found, unless the
    proposal need not be `complete` because a person goes on with it.
    """
    keys = [key(header) for header in headers]
    questions = {at for at, header in enumerate(headers) if header.rstrip().endswith("?")}
    preset = next(
        (known for known in PRESETS if kind in known.kinds and known.needs <= set(keys)),
        Preset("generic", KINDS, frozenset()),
    )
    invoices = kind == "companies" and bool(_OF_INVOICES & set(keys))
    targets: dict[str, int] = {}
    for target, names in words.by_kind()[kind].items():
        fixed = preset.fixes.get(target)
        taken = set(targets.values())
        position = next(
            (
                keys.index(name)
                for name in (names if fixed is None else (fixed,))
                if name in keys
                and keys.index(name) not in taken
                and (target in ANSWERS or keys.index(name) not in questions)
            ),
            None,
        )
        if position is not None:
            targets[target] = position
    rows = list(sample)
    _drop_foreign_words(targets, rows)
    if kind == "time":
        _tell_times_from_moments(targets, rows)
    if invoices:
        targets = {name: at for name, at in targets.items() if name in _OF_CUSTOMERS}
    columns = Columns(
        kind=kind,
        preset=preset.name,
        headers=tuple(headers),
        targets=targets,
        extras=_extras(headers, targets, preset, invoices=invoices),
        ids=_identities(kind, keys, targets, preset),
        is_id_stated=preset.name == OWN,
        invoices=invoices,
    )
    if chosen:
        columns = override(columns, chosen)
    if complete:
        ensure_complete(columns)
    return columns


_OF_CUSTOMERS = frozenset({"name", "external_id", "currency"}) | {
    field for field in words.by_kind()["companies"] if field.startswith(("billing_", "shipping_"))
}


def _extras(
    headers: Sequence[str], targets: Mapping[str, int], preset: Preset, *, invoices: bool
) -> dict[int, str]:
    if invoices:
        return {}
    return _own_rest(headers) if preset.name == OWN else _rest(headers, targets)


def _rest(headers: Sequence[str], targets: Mapping[str, int]) -> dict[int, str]:
    taken = set(targets.values())
    return {
        at: header
        for at, header in enumerate(headers)
        if at not in taken and header != REASON_HEADER
    }


def _own_rest(headers: Sequence[str]) -> dict[int, str]:
    """The extra fields of an export of ours; its other columns are read from elsewhere."""
    return {
        at: header.removeprefix(OWN_EXTRA)
        for at, header in enumerate(headers)
        if header.startswith(OWN_EXTRA)
    }


def _drop_foreign_words(targets: dict[str, int], sample: Sequence[Sequence[str]]) -> None:
    for target, allowed in _CLOSED.items():
        at = targets.get(target)
        if at is None:
            continue
        seen = {fold_name(cells[at]) for cells in sample if len(cells) > at} - {""}
        if not seen <= allowed:
            del targets[target]


def _tell_times_from_moments(targets: dict[str, int], rows: Sequence[Sequence[str]]) -> None:
    """Say by its cells whether a start or end is a time of day, beside a date, or has a date."""
    has_day = bool(targets.keys() & {"date", "start_date"})
    for moment, clock in (("start", "start_time"), ("end", "end_time")):
        if moment in targets and clock in targets:
            continue
        at = targets.get(moment, targets.get(clock))
        cells = [tidy(row[at]) for row in rows if at is not None and len(row) > at]
        are_times = {_is_time_of_day(cell) for cell in cells if cell}
        if moment in targets and has_day and are_times == {True}:
            targets[clock] = targets.pop(moment)
        elif clock in targets and are_times == {False}:
            targets[moment] = targets.pop(clock)


def _is_time_of_day(text: str) -> bool:
    try:
        time_of_day(text)
    except ValueError:
        return False
    return True


def _identities(
    kind: str, keys: Sequence[str], targets: Mapping[str, int], preset: Preset
) -> tuple[int, ...]:
    if "external_id" not in words.by_kind()[kind]:
        return ()
    elsewhere = {at for target, at in targets.items() if target != "external_id"}
    names = (preset.fixes.get("external_id", ""), *words.by_kind()[kind]["external_id"])
    found = [keys.index(name) for name in names if name in keys]
    return tuple(dict.fromkeys(at for at in found if at not in elsewhere))


def ensure_complete(columns: Columns) -> None:
    """Refuse a mapping that lacks a column nothing can be imported without."""
    if missing := lacking(columns):
        found = ", ".join(repr(header) for header in columns.headers)
        msg = (
            f"No column was recognised as {missing}. The headers found are: {found}. "
            "Say which column it is (with --mapping on the command line), or correct the header."
        )
        raise UnusableInputError(msg)


def lacking(columns: Columns) -> str:
    """Name the needed columns that are not there; empty when there are all."""
    return "; ".join(
        " or ".join(group).replace("_", " ")
        for group in REQUIRED[columns.kind]
        if not any(target in columns.targets for target in group)
    )


def override(columns: Columns, chosen: Mapping[str, str]) -> Columns:
    """Correct a proposal: header -> target field, "extra", or "" to leave the column out.

    Raises UnusableInputError naming every header and target that does not exist.
    """
    by_key = {key(header): at for at, header in enumerate(columns.headers)}
    exact = {header: at for at, header in enumerate(columns.headers)}
    known = {*words.by_kind()[columns.kind], EXTRA, IGNORED}
    problems = [
        f"The file has no column {header!r}; its headers are: {', '.join(columns.headers)}."
        for header in chosen
        if header not in exact and key(header) not in by_key
    ] + [
        f"Column {header!r}: there is no field {target!r}; the fields are: "
        f"{', '.join(sorted(known - {IGNORED}))}."
        for header, target in chosen.items()
        if target not in known
    ]
    if problems:
        raise UnusableInputError(*problems)
    targets, extras, ids = dict(columns.targets), dict(columns.extras), columns.ids
    stated = columns.is_id_stated or "external_id" in chosen.values()
    for header, target in chosen.items():
        at = exact.get(header, by_key.get(key(header), 0))
        targets = {name: where for name, where in targets.items() if where != at}
        extras.pop(at, None)
        if target == EXTRA:
            extras[at] = columns.headers[at]
        elif target:
            if target in targets:
                extras[targets[target]] = columns.headers[targets[target]]
            targets[target] = at
        ids = (at,) if target == "external_id" else tuple(i for i in ids if i != at)
    return replace(columns, targets=targets, extras=extras, ids=ids, is_id_stated=stated)
