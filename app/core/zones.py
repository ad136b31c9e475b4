"""The IANA time zones that the agency, companies and people may live in."""

from zoneinfo import available_timezones

_OF_A_MACHINE = frozenset({"localtime", "Factory", "posixrules"})
_READ_AS_WINTER = frozenset({"CET", "EET", "MET", "WET"})
"""To PostgreSQL these are abbreviations, without summer time: its days would not be ours."""
KNOWN = frozenset(
    name
    for name in available_timezones()
    if name not in _OF_A_MACHINE | _READ_AS_WINTER and not name.startswith(("posix/", "right/"))
)
"""Names that mean the same everywhere; "localtime" is whatever a machine was set to."""
OFFERED = sorted(name for name in KNOWN if "/" in name or name == "UTC")
"""Those to choose from, by region and city."""
IS_ZONE = (
    "timezone(zone, timestamptz 'epoch') is not null"
    " and upper(zone) not in ('CET', 'EET', 'MET', 'WET')"
)
"""Check of a column `zone`: the database counts days by it, so it must know it too."""
