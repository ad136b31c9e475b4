"""What somebody should know of accounts that are billed nevertheless, cause by cause.

Entries are marked as they are read (`causes`); what they come to is summed when their accounts are
compiled, and kept with their run. The words are made when read.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from app.billing import causes
from app.billing.compilation import Preview
from app.core import formats
from app.core.bulk import fetch_rows

# The statements below are constants; values are bound.
FOUND = """
with account as (
  select * from unnest(%(payers)s::bigint[], %(currencies)s::text[], %(nets)s::bigint[],
                       %(counts)s::int[], %(no_tax_id)s::bool[], %(no_address)s::bool[],
                       %(first_days)s::date[])
    as a (payer_id, currency, net, entries, no_tax_id, no_address, first_day)
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
select a.payer_id, a.currency, c.cause, c.entries, c.amount, c.detail
from account a left join usual u on u.payer_id = a.payer_id and u.currency = a.currency
cross join lateral (values
  ('no_tax_id', a.no_tax_id, a.entries, a.net, '{}'::jsonb),
  ('no_address', a.no_address, a.entries, a.net, '{}'::jsonb),
  ('unusual_amount', abs(a.net * u.months - u.total) * 10 > 3 * abs(u.total), a.entries, a.net,
   jsonb_build_object('mean_minor', (u.total / u.months)::bigint, 'months', u.months))
) as c (cause, holds, entries, amount, detail)
where c.holds
union all
select a.payer_id, a.currency, s.cause, s.entries, s.amount,
       case s.cause when 'older_work' then jsonb_build_object('since', a.first_day)
         else '{}'::jsonb end
from unnest(%(of)s::bigint[], %(causes)s::text[], %(entries)s::int[], %(amounts)s::bigint[])
  as s (payer_id, cause, entries, amount)
join account a on a.payer_id = s.payer_id
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
    sums = _sums(previews)
    return {
        "through": through,
        "payers": [each.buyer.id for each in previews],
        "currencies": [each.account.currency for each in previews],
        "nets": [each.compiled.document.net_minor for each in previews],
        "counts": [each.entries for each in previews],
        "no_tax_id": ["tax id" in each.buyer.missing for each in previews],
        "no_address": ["address" in each.buyer.missing for each in previews],
        "first_days": [each.compiled.document.first_day for each in previews],
        "of": [payer_id for payer_id, _ in sums],
        "causes": [cause for _, cause in sums],
        "entries": [entries for entries, _ in sums.values()],
        "amounts": [amount for _, amount in sums.values()],
    }


def _sums(previews: Sequence[Preview]) -> dict[tuple[int, str], tuple[int, int]]:
    """How many billed entries a cause lies in, and what they come to, by payer and cause."""
    found: dict[tuple[int, str], tuple[int, int]] = {}
    for each in previews:
        for marks, amounts in _amounts_by_marks(each).items():
            for cause in causes.named_by(marks):
                entries, amount = found.get((each.buyer.id, cause), (0, 0))
                found[each.buyer.id, cause] = entries + len(amounts), amount + sum(amounts)
    return found


def _amounts_by_marks(preview: Preview) -> dict[int, list[int]]:
    """What the entries come to that have the same marks; those without any are left out."""
    marks, found = preview.marks, defaultdict[int, list[int]](list)
    for line in preview.compiled.document.lines if marks else ():
        for entry in line.entries:
            if entry.entry_id in marks:
                found[marks[entry.entry_id]].append(entry.amount_minor)
    return found


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
