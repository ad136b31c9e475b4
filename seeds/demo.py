"""The demo agency, made up in memory: the same year for the same last day and seed. Pure.

`agency(last_day)` answers everything that happened; `seeds.loading` writes it. Instants carry UTC.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, cycle
from random import Random
from zoneinfo import ZoneInfo

from seeds import names

SEED = 20
TICKETS = 4_000
ENTRIES = 20_000
LOOSE_ENTRIES = 2_000
YOUNG = 120  # the last tickets, on which little was done yet
MONTHS = 12
CONTACTS_EACH = 3
RECENT = timedelta(days=13)
OFFICE = ZoneInfo("Europe/Berlin")
OPENS, CLOSES, LIGHTS_OUT = 8 * 60, 18 * 60, 22 * 60
SATURDAY = 5
MINUTES = (5, 10, 12, 15, 15, 20, 20, 25, 30, 30, 35, 40, 45, 45, 50, 60, 60, 75, 90, 120)
PRIORITIES = ("low", "normal", "normal", "normal", "high", "urgent")


@dataclass(frozen=True, slots=True)
class Person:
    """A contact of a client; `company` is an index into `names.COMPANIES`."""

    name: str
    email: str
    title: str
    company: int
    role: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Work of one person; `ticket` is an index, or None for work without one."""

    ticket: int | None
    company: int
    staff: int
    work_type: str
    started_at: datetime
    seconds: int
    reason: str
    text: str
    project: str = ""

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(seconds=self.seconds)

    @property
    def work_date(self) -> date:
        """The local date of the start where the company is."""
        zone = ZoneInfo(names.COMPANIES[self.company][5])
        return self.started_at.astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class Act:
    """Something said or done on a ticket: message (client), reply, note, or a status by name."""

    at: datetime
    kind: str
    text: str
    staff: int | None = None


@dataclass(slots=True)
class Request:
    """A ticket, with what was said on it in order of time."""

    number: int
    subject: str
    company: int
    person: int
    staff: int
    department: str
    work_type: str
    priority: str
    created_at: datetime
    acts: list[Act] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Year:
    """All that happened, and the edges of time: months are first days; `recent` is an instant."""

    first_day: date
    last_day: date
    months: tuple[date, ...]
    recent: datetime
    people: Sequence[Person]
    requests: Sequence[Request]
    entries: Sequence[Entry]


def agency(last_day: date, *, tickets: int = TICKETS, seed: int = SEED) -> Year:
    """The year that ends with `last_day`; with fewer `tickets`, time and the rest shrink alike."""
    months = _months(last_day)
    random = Random(seed)  # noqa: S311 - the same story each time, no secret
    people = list(_people(random))
    requests, entries = _work(random, (months[0], last_day), people, tickets)
    recent = datetime.combine(last_day - RECENT, time(), tzinfo=OFFICE).astimezone(UTC)
    return Year(months[0], last_day, months, recent, people, requests, entries)


def _months(last_day: date) -> tuple[date, ...]:
    first = last_day.replace(day=1)
    months = [first]
    while len(months) < MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return tuple(reversed(months))


def _people(random: Random) -> Iterator[Person]:
    first, last = names.FIRST_NAMES.split(), names.LAST_NAMES.split()
    pairs = [(a, b) for a in first for b in last]
    random.shuffle(pairs)
    free = iter(pairs)
    for index, company in enumerate(names.COMPANIES):
        for role in ("billing", "manager", "requester")[:CONTACTS_EACH]:
            name, surname = next(free)
            address = f"{name}.{surname}@{company[7]}".lower()
            title = "Accountant" if role == "billing" else random.choice(names.TITLES)
            yield Person(f"{name} {surname}", address, title, index, role)


class _Diary:
    """Who is free when: hands out slots of the working day, one after the other."""

    def __init__(self, last_day: date) -> None:
        self._until: dict[tuple[int, date], int] = defaultdict(lambda: OPENS)
        self.last_day = last_day

    def slot(self, staff: Sequence[int], day: date, minutes: int) -> tuple[int, datetime]:
        """The first of these people with room on the day or a later one, and the begin in UTC."""
        for closes in (CLOSES, LIGHTS_OUT):
            on = day
            while on <= self.last_day:
                for person in staff:
                    begin = self._until[person, on]
                    if on.weekday() < SATURDAY and begin + minutes <= closes:
                        self._until[person, on] = begin + minutes + 3
                        return person, _instant(on, begin)
                on += timedelta(days=1)
        raise ValueError(f"nobody has {minutes} minutes left from {day} on")


def _instant(day: date, minute: int) -> datetime:
    local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=OFFICE)
    return local.astimezone(UTC)


def _work(
    random: Random, span: tuple[date, date], people: Sequence[Person], tickets: int
) -> tuple[list[Request], list[Entry]]:
    first_day, last_day = span
    entries_, loose_ = ENTRIES * tickets // TICKETS, LOOSE_ENTRIES * tickets // TICKETS
    days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    days = [day for day in days if day.weekday() < SATURDAY]
    growth = [2 * len(days) + place + random.randrange(len(days)) for place in range(len(days))]
    diary = _Diary(days[-1])
    draw = _Draw(random, people)
    requests: list[Request] = []
    entries: list[Entry] = []
    young = tickets - YOUNG * tickets // TICKETS
    often = [1 + random.randrange(7) if n < young else 0 for n in range(tickets)]
    each = [1 + more for more in _shares(entries_ - loose_ - tickets, often)]
    loose = _shares(loose_, growth)
    for day, count, alone in zip(days, _shares(tickets, growth), loose, strict=True):
        for _ in range(count):
            request = draw.request(len(requests), day)
            work = list(draw.entries_of(request, day, each[request.number], diary))
            draw.tell(request, work, closes=random.random() < _chance(day, last_day))
            requests.append(request)
            entries += work
        entries += [draw.loose(day, diary) for _ in range(alone)]
    return requests, sorted(entries, key=lambda entry: (entry.started_at, entry.staff))


def _chance(day: date, last_day: date) -> float:
    """How likely a ticket of that day is closed by now."""
    age = (last_day - day).days
    return 0.4 if age < 5 else 0.75 if age < 20 else 0.985  # noqa: PLR2004 - a curve, by eye


def _shares(total: int, weights: Sequence[int]) -> list[int]:
    """Split a whole number by weights into whole numbers that add up to it."""
    whole = sum(weights)
    edges = [total * sum_ // whole for sum_ in accumulate(weights)]
    return [edge - before for edge, before in zip(edges, [0, *edges], strict=False)]


class _Draw:
    """Draws tickets and work."""

    def __init__(self, random: Random, people: Sequence[Person]) -> None:
        self._random = random
        self._clients = [n for n, row in enumerate(names.COMPANIES) if row[0] != "group"]
        self._weights = [names.COMPANIES[n][8] for n in self._clients]
        self._people: dict[int, list[int]] = defaultdict(list)
        for index, person in enumerate(people):
            self._people[person.company].append(index)
        self._types = [row for row in names.WORK_TYPES if row[1]]
        self._lead = cycle(range(len(names.STAFF)))

    def request(self, number: int, day: date) -> Request:
        random = self._random
        company = random.choices(self._clients, self._weights)[0]
        kind = random.choices(self._types, (46, 10, 22, 15, 7))[0]
        return Request(
            number=number,
            subject=self._subject(kind[0]),
            company=company,
            person=random.choice(self._people[company]),
            staff=random.choice(_team(kind[6])),
            department=kind[6],
            work_type=kind[0],
            priority=random.choice(PRIORITIES),
            created_at=_instant(day, random.randrange(6 * 60, OPENS)),
        )

    def entries_of(self, request: Request, day: date, count: int, diary: _Diary) -> Iterator[Entry]:
        """The work on a ticket: by its owner mostly, over the following days."""
        random = self._random
        kind = request.work_type
        others = [n for n in range(len(names.STAFF)) if n != request.staff]
        random.shuffle(others)
        for _ in range(count):
            minutes = random.choice(MINUTES)
            order = [request.staff, *others] if random.random() < 0.8 else others  # noqa: PLR2004
            staff, begin = diary.slot(order, day, minutes)
            yield self._entry(request.number, request.company, staff, kind, begin, minutes)
            later = begin.date() + timedelta(days=random.choice((0, 0, 0, 1, 1, 2)))
            day = min(later, diary.last_day)

    def loose(self, day: date, diary: _Diary) -> Entry:
        """Work without a ticket, for a project of a client."""
        random = self._random
        company = random.choices(self._clients, self._weights)[0]
        kind = random.choices(names.WORK_TYPES, (20, 5, 20, 25, 20, 10))[0][0]
        minutes = random.choice(MINUTES)
        first = next(self._lead)
        order = [(first + step) % len(names.STAFF) for step in range(len(names.STAFF))]
        staff, begin = diary.slot(order, day, minutes)
        project = random.choice(("Care contract", "Yearly plan", "Move to new hardware"))
        return self._entry(None, company, staff, kind, begin, minutes, project)

    def tell(self, request: Request, work: Sequence[Entry], *, closes: bool) -> None:
        """What was said: the client's words, an answer, perhaps a note, and how it ended."""
        random = self._random
        acts = [Act(request.created_at, "message", random.choice(names.WORDS_OF_CLIENTS))]
        first, *_, last = sorted([work[0], *work], key=lambda entry: entry.ended_at)
        acts.append(Act(first.ended_at, "reply", random.choice(names.WORDS_OF_STAFF), first.staff))
        acts.append(Act(first.ended_at, "status", "Open", first.staff))
        if random.random() < 0.3:  # noqa: PLR2004
            acts.append(Act(first.ended_at, "note", random.choice(names.NOTES), first.staff))
        if closes:
            done = "Completed" if random.random() < 0.7 else "Resolved"  # noqa: PLR2004
            end = last.ended_at + timedelta(minutes=2)
            acts.append(Act(end, "reply", names.WORDS_OF_STAFF[-1], last.staff))
            acts.append(Act(end, "status", done, last.staff))
        elif random.random() < 0.4:  # noqa: PLR2004
            acts.append(Act(last.ended_at, "status", "Waiting for client", last.staff))
        request.acts = acts

    def _entry(
        self,
        ticket: int | None,
        company: int,
        staff: int,
        kind: str,
        begin: datetime,
        minutes: int,
        project: str = "",
    ) -> Entry:
        random = self._random
        odd = random.randrange(60) if random.random() < 0.3 else 0  # noqa: PLR2004 - timers
        free = kind == "Internal" or random.random() < 0.07  # noqa: PLR2004
        reason = (
            ("Internal" if kind == "Internal" else random.choice(names.REASONS)) if free else ""
        )
        text = random.choice(names.DONE)
        return Entry(ticket, company, staff, kind, begin, minutes * 60 + odd, reason, text, project)

    def _subject(self, kind: str) -> str:
        subject = self._random.choice(names.SUBJECTS[kind])
        said = subject.format(thing=self._random.choice(names.THINGS))
        return said[:1].upper() + said[1:]


def _team(department: str) -> list[int]:
    return [n for n, row in enumerate(names.STAFF) if row[3] == department]
