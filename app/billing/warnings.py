"""What somebody should know of accounts that are billed nevertheless, cause by cause.

Found set-wise when accounts are compiled, and kept with their run; the words are made when read.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from app.billing.compilation import Preview
from app.core import formats
from app.core.bulk import array_of, fetch_rows

DAY = "coalesce((e.started_at at time zone a.zone)::date, e.work_date)"
"""The day of an entry by the clock of its account `a` (docs/decisions/0011)."""

OF_ENTRIES = {
    "older_work": f"{DAY} < date_trunc('month', %(through)s::date)::date",
    "long_entry": "e.recorded_seconds > 8 * 3600",
    "short_entry": "e.recorded_seconds < 120",
    "thin_text": "length(btrim(e.description)) < 10",
    "old_ticket": "t.category in ('new', 'open', 'waiting')"
    " and t.created_at < %(through)s::date - interval '60 days'",
}
"""Causes that lie in an entry `e` of an account `a`, or its ticket `t`.

The pages name the same limits in words.
"""

OF_ACCOUNTS = ("no_tax_id", "no_address", "unusual_amount")
CAUSES = (*OF_ACCOUNTS, *OF_ENTRIES)

# The statements below are put together from constants of this module only; values are bound.
_SEEN = ", ".join(
    f"coalesce({condition}, false) as {cause}" for cause, condition in OF_ENTRIES.items()
)
_SUMS = ", ".join(
    f"count(*) filter (where {cause}) as {cause}_entries,"
    f" sum(amount) filter (where {cause}) as {cause}_amount"
    for cause in OF_ENTRIES
)
_HELD = ", ".join(
    f"('{cause}', s.{cause}_entries > 0, s.{cause}_entries, s.{cause}_amount,"
    + (" jsonb_build_object('since', s.first_day))" if cause == "older_work" else " '{}'::jsonb)")
    for cause in OF_ENTRIES
)
FOUND = f"""
with account as (
  select * from unnest(%(payers)s::bigint[], %(currencies)s::text[], %(nets)s::bigint[],
                       %(counts)s::int[], %(no_tax_id)s::bool[], %(no_address)s::bool[],
                       %(zones)s::text[])
    as a (payer_id, currency, net, entries, no_tax_id, no_address, zone)
), billed as (
  select * from unnest(%(of)s::bigint[], %(entries)s::bigint[], %(amounts)s::bigint[])
    as b (payer_id, entry_id, amount)
), seen as (
  select b.payer_id, b.amount, {DAY} as day, {_SEEN}
  from billed b join time_entry e on e.id = b.entry_id left join ticket t on t.id = e.ticket_id
  join (select distinct payer_id, zone from account) as a on a.payer_id = b.payer_id
), sums as (
  select payer_id, min(day) as first_day, {_SUMS} from seen group by payer_id
), usual as (
  select d.payer_id, d.currency, sum(d.net_minor) as total,
         count(distinct date_trunc('month', d.through)) as months
  from document d
  where d.kind = 'invoice' and d.payer_id = any(%(payers)s)
    and d.through < date_trunc('month', %(through)s::date)
    and d.through >= date_trunc('month', %(through)s::date) - interval '3 months'
    and not exists (select from document c where c.credits_id = d.id)
  group by d.payer_id, d.currency
)
select a.payer_id, a.currency, c.cause, c.entries::int as entries,
       coalesce(c.amount, 0)::bigint as amount, c.detail
from account a
left join sums s on s.payer_id = a.payer_id
left join usual u on u.payer_id = a.payer_id and u.currency = a.currency
cross join lateral (values
  ('no_tax_id', a.no_tax_id, a.entries::bigint, a.net::numeric, '{{}}'::jsonb),
  ('no_address', a.no_address, a.entries, a.net, '{{}}'::jsonb),
  ('unusual_amount', abs(a.net * u.months - u.total) * 10 > 3 * abs(u.total), a.entries, a.net,
   jsonb_build_object('mean_minor', (u.total / u.months)::bigint, 'months', u.months)),
  {_HELD}
) as c (cause, holds, entries, amount, detail)
where c.holds
"""
KEPT = f"""
insert into run_warning as kept
  (run_id, account_id, cause, entries, amount_minor, detail,
   accepted_at, accepted_by, accepted_reason)
select %(run)s, b.id, found.cause, found.entries, found.amount, found.detail,
       before.accepted_at, before.accepted_by, coalesce(before.accepted_reason, '')
from ({FOUND}) as found
join billing_account b on b.payer_id = found.payer_id and b.currency = found.currency
left join lateral (
  select * from run_warning o
  where o.account_id = b.id and o.cause = found.cause and o.entries = found.entries
    and o.amount_minor = found.amount and o.accepted_at is not null
  order by o.run_id desc limit 1
) as before on true
on conflict (run_id, account_id, cause) do update
  set (entries, amount_minor, detail, accepted_at, accepted_by, accepted_reason) =
      (excluded.entries, excluded.amount_minor, excluded.detail,
       excluded.accepted_at, excluded.accepted_by, excluded.accepted_reason)
returning kept.cause
"""


class Warned(NamedTuple):
    """One cause of one account: how many entries it concerns and what they come to."""

    payer_id: int
    currency: str
    cause: str
    entries: int
    amount_minor: int
    detail: dict[str, Any]


def find(previews: Sequence[Preview], through: date) -> list[Warned]:
    """The warnings of some previews, stored nowhere: one statement."""
    return [Warned(*row) for row in fetch_rows(FOUND, _facts(previews, through))]


def keep(run_id: int, previews: Sequence[Preview], through: date) -> set[str]:
    """Store the warnings of some previews with their run; returns the causes. One statement.

    What somebody has accepted stays accepted while its count and amount are the same.
    """
    rows = fetch_rows(KEPT, {"run": run_id, **_facts(previews, through)})
    return {row[0] for row in rows}


def _facts(previews: Sequence[Preview], through: date) -> dict[str, Any]:
    billed = [
        (each.buyer.id, entry.entry_id, entry.amount_minor)
        for each in previews
        for line in each.compiled.document.lines
        for entry in line.entries
    ]
    of, entries, amounts = zip(*billed, strict=True) if billed else ((), (), ())
    return {
        "through": through,
        "payers": [each.buyer.id for each in previews],
        "currencies": [each.account.currency for each in previews],
        "nets": [each.compiled.document.net_minor for each in previews],
        "counts": [each.entries for each in previews],
        "no_tax_id": ["tax id" in each.buyer.missing for each in previews],
        "no_address": ["address" in each.buyer.missing for each in previews],
        "zones": [each.zone for each in previews],
        "of": array_of(of),
        "entries": array_of(entries),
        "amounts": array_of(amounts),
    }


def sentence(found: Warned, through: date) -> str:
    """A warning in words."""
    one = found.entries == 1
    return _SENTENCES[found.cause].format(
        entries="1 entry" if one else f"{found.entries} entries",
        verb="is" if one else "are",
        says="says" if one else "say",
        amount=formats.amount(found.amount_minor, found.currency),
        mean=formats.amount(found.detail.get("mean_minor", 0), found.currency),
        since=found.detail.get("since", ""),
        through=through,
    )


_SENTENCES = {
    "no_tax_id": "The company has no tax id.",
    "no_address": "The company has no address.",
    "unusual_amount": "The net of {amount} is more than 30 % from {mean}, the mean of"
    " the three months before.",
    "older_work": "Work since {since} is billed, before the month of {through}.",
    "long_entry": "{entries} {verb} longer than 8 hours.",
    "short_entry": "{entries} {verb} shorter than 2 minutes.",
    "thin_text": "{entries} {says} in fewer than 10 characters what was done.",
    "old_ticket": "{entries} {verb} on a ticket that has been open for over 60 days.",
}
