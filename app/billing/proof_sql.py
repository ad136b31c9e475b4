"""The questions of `prove` that the database answers: each returns one text a fault.

Amounts and things are marked for `proof_words`: `<EUR 1050>`, `<entry 5>`.

`numeric` arithmetic is exact and `round` goes half away from zero, as the policies ask.
"""

_BILLED = """
    select a.id, a.entry_id, a.line_id, a.kind, a.amount_minor, a.released_at,
           a.billed_seconds, a.billable_seconds, a.recorded_seconds, a.rate_rule_id,
           l.net_minor, l.seconds, l.unit_price, l.explanation, l.position,
           d.number, d.id as document_id, d.policy, d.currency, d.created_at, d.through,
           e.company_id, e.staff_id, e.work_type_id, e.ticket_id, e.work_date,
           coalesce((e.started_at at time zone d.zone)::date, e.work_date) as day
    from allocation a join document_line l on l.id = a.line_id
    join document d on d.id = l.document_id and d.kind = 'invoice'
    join time_entry e on e.id = a.entry_id
    where a.kind = 'line'
"""

_UNIT = """
    select * from unnest(cast(:currencies as text[]), cast(:units as numeric[]))
    as known (code, unit)
"""

# What an entry weighs in its line under the document's amount policy: seconds, or its own amount.
_WEIGHED = f"""
    select b.*, x.unit, case b.policy ->> 'amounts'
        when 'line-once' then b.billed_seconds::numeric
        when 'entry-once' then round(b.billed_seconds * b.unit_price * x.unit / 3600)
        when 'entry-4dp' then round(b.billed_seconds * b.unit_price * 10000 / 3600)
        else round(round(b.billed_seconds / 36.0) * b.unit_price * x.unit / 100)
      end as weight
    from ({_BILLED}) b join ({_UNIT}) x on x.code = b.currency
"""

# What is rounded at once: an entry, or all time of its ticket (on one day) on the document. Time
# that is free again may stand on another ticket by now: of that only entries by themselves are
# proved.
_ROUNDED = f"""
    select b.*, r.rounding, r.minimum_seconds, r.increment_seconds,
      case when r.unit = 'entry' or b.ticket_id is null then 'entry ' || b.entry_id
        when r.unit = 'ticket' then 'ticket ' || b.ticket_id
        else 'ticket ' || b.ticket_id || ' on ' || b.day end as unit_key
    from ({_BILLED}) b join rate_rule r on r.id = b.rate_rule_id
    where r.unit = 'entry' or b.released_at is null
"""

# Each different question put to the rates, with the first entry that asks it. Time that is free
# again may have changed since: of that only the price is proved.
_ASKED = f"""
    select document_id, number, currency, created_at, company_id, staff_id, work_type_id, day,
           rate_rule_id, unit_price, released_at is null as is_live, min(entry_id) as entry_id
    from ({_BILLED}) b
    group by document_id, number, currency, created_at, company_id, staff_id, work_type_id, day,
             rate_rule_id, unit_price, released_at is null
"""

# How far above a company another stands, by the tree as it was at issue.
_NEAR = """
    select distinct document_id, company_id as below_id, company_id, 0 as distance from asked
    union all
    select d.id, own.key::bigint, above.value::bigint, above.ordinality
    from document d cross join lateral jsonb_each(d.ancestors) own
    cross join lateral jsonb_array_elements_text(own.value) with ordinality above
"""
_NO_COMPANY = 1_000_000

# Whose rows decide who pays for a company: the first on its way up that is not paid as the one
# above. On each of its days the row that covers it names the payer; without rows it pays itself.
# Time that is free again may stand on another day by now.
_PAID = f"""
    with asked as (
      select document_id, company_id, work_date, min(entry_id) as entry_id
      from ({_BILLED}) b where released_at is null group by 1, 2, 3
    ), near as ({_NEAR}), owner as (
      select distinct on (n.document_id, n.below_id) n.document_id, n.below_id, n.company_id as id
      from near n join document d on d.id = n.document_id
      where d.bill_to -> n.company_id::text is distinct from 'null'
      order by n.document_id, n.below_id, n.distance
    )
    select d.number, d.payer_id, a.entry_id, a.work_date, case when d.bill_to ? o.id::text
        then (select (span ->> 2)::bigint from jsonb_array_elements(d.bill_to -> o.id::text) span
              where coalesce((span ->> 0)::date, '-infinity') <= a.work_date
                and a.work_date < coalesce((span ->> 1)::date, 'infinity'))
        else o.id end as decided_id
    from asked a join document d on d.id = a.document_id and d.bill_to is not null
    join owner o on o.document_id = a.document_id and o.below_id = a.company_id
"""

# The tax that held for the payer of each invoice, as the taxes and the tree were at issue: its own,
# else the nearest one above, else the default. The tax point is the end of the period.
_TAXED = f"""
    with owner as (
      select id, payer_id as company_id, 0 as distance from document
      union all
      select d.id, above.value::bigint, above.ordinality
      from document d cross join lateral
        jsonb_array_elements_text(d.ancestors -> d.payer_id::text) with ordinality above
      union all
      select id, 0, {_NO_COMPANY} from document
    )
    select distinct on (d.id) d.id, d.number, t.name, t.category, t.percent
    from document d join owner o on o.id = d.id
    left join tax t on coalesce(t.company_id, 0) = o.company_id and t.valid @> d.through
      and t.created_at < d.created_at and (t.retired_at is null or t.retired_at > d.created_at)
    where d.kind = 'invoice' and d.ancestors ? d.payer_id::text
    order by d.id, t.id is null, o.distance
"""

CHECKS: dict[str, str] = {
    "rates": f"""
        with asked as ({_ASKED}), near as ({_NEAR})
        select '<entry ' || a.entry_id || '> on document ' || a.number
            || ' was priced by rule ' || a.rate_rule_id || ', which does not apply to it'
        from asked a join rate_rule r on r.id = a.rate_rule_id
        left join near n on n.document_id = a.document_id and n.below_id = a.company_id
          and n.company_id = r.company_id
        where r.currency <> a.currency
           or r.created_at > a.created_at
           or r.retired_at < a.created_at
           or r.rate <> a.unit_price
           or a.is_live and (not r.valid @> a.day
             or r.company_id is not null and n.distance is null
             or r.staff_id is not null and r.staff_id <> a.staff_id
             or r.work_type_id is not null and r.work_type_id is distinct from a.work_type_id)
        union all
        select '<entry ' || a.entry_id || '> on document ' || a.number || ' was priced by rule '
            || r.id || ' although rule ' || s.id || ' is stronger'
        from asked a join rate_rule r on r.id = a.rate_rule_id
        join rate_rule s on s.id <> r.id and s.currency = a.currency and s.valid @> a.day
          and s.created_at < a.created_at
          and (s.retired_at is null or s.retired_at > a.created_at)
          and (s.staff_id is null or s.staff_id = a.staff_id)
          and (s.work_type_id is null or s.work_type_id = a.work_type_id)
        left join near rn on rn.document_id = a.document_id and rn.below_id = a.company_id
          and rn.company_id = r.company_id
        left join near sn on sn.document_id = a.document_id and sn.below_id = a.company_id
          and sn.company_id = s.company_id
        where a.is_live and (s.company_id is null or sn.distance is not null)
          and (s.priority, -coalesce(sn.distance, {_NO_COMPANY}),
               s.staff_id is not null, s.work_type_id is not null)
            > (r.priority, -coalesce(rn.distance, {_NO_COMPANY}),
               r.staff_id is not null, r.work_type_id is not null)
    """,
    "payers": f"""
        select '<entry ' || p.entry_id || '> stands on document '
            || p.number || ' for <company ' || p.payer_id || '>, it was to be paid by '
            || coalesce('<company ' || p.decided_id || '>', 'nobody')
        from ({_PAID}) p where p.decided_id is distinct from p.payer_id
    """,
    "tax rules": f"""
        select 'line ' || l.position || ' of document ' || d.number || ' is taxed by ' || l.tax_name
            || ' ' || l.tax_percent || ' %, the tax of its payer was '
            || coalesce(d.name || ' ' || d.percent || ' %', 'none')
        from ({_TAXED}) d join document_line l on l.document_id = d.id and l.kind <> 'rounding'
        where (l.tax_name, l.tax_category, l.tax_percent)
          is distinct from (d.name, d.category, d.percent)
    """,
    "seconds": f"""
        select '<entry ' || entry_id || '> on document ' || number || ' is billed '
            || billed_seconds || ' s, its rule makes it ' || wanted || ' s'
        from (
          select cut.*, base + case when row_number() over (
              partition by document_id, rate_rule_id, unit_key order by fraction desc, entry_id
            ) <= total - sum(base) over (partition by document_id, rate_rule_id, unit_key)
            then 1 else 0 end as wanted
          from (
            select u.*, coalesce(floor(total * billable_seconds / nullif(whole, 0)), 0) as base,
              coalesce(total * billable_seconds % nullif(whole, 0), 0) as fraction
            from (
              select w.*, case when whole = 0 then 0
                when rounding = 'exact' or increment_seconds = 0
                  then greatest(whole, minimum_seconds)
                else greatest(
                  ceil(minimum_seconds::numeric / increment_seconds),
                  case rounding
                    when 'up' then ceil(whole / increment_seconds)
                    when 'down' then floor(whole / increment_seconds)
                    else round(whole / increment_seconds) end
                ) * increment_seconds end as total
              from (
                select k.*, sum(billable_seconds::numeric)
                  over (partition by document_id, rate_rule_id, unit_key) as whole
                from ({_ROUNDED}) k
              ) w
            ) u
          ) cut
        ) shared where billed_seconds <> wanted
        union all
        select 'line ' || position || ' of document ' || number || ' shows ' || seconds
            || ' s, its entries make ' || sum(billed_seconds) || ' s'
        from ({_BILLED}) b group by line_id, position, number, seconds
        having sum(billed_seconds) <> seconds
    """,
    "entries": f"""
        select '<entry ' || b.entry_id || '> on document ' || b.number || ' has '
            || e.recorded_seconds || ' s recorded and ' || e.billable_seconds || ' s billable, '
            || b.recorded_seconds || ' and ' || b.billable_seconds || ' were billed'
        from ({_BILLED}) b join time_entry e on e.id = b.entry_id
        where b.released_at is null and (e.recorded_seconds <> b.recorded_seconds
            or e.billable_seconds <> b.billable_seconds or e.state <> 'approved')
        union all
        select '<entry ' || entry_id || '> is on document ' || number
            || ', which bills through ' || through || '; where that is billed it was ' || day
        from ({_BILLED}) b where day > through and released_at is null
    """,
    "allocations": """
        select '<entry ' || entry_id || '> is billed or written off '
            || count(*) || ' times at once'
        from allocation where released_at is null and kind <> 'credit'
        group by entry_id having count(*) > 1
        union all
        select 'the allocation of <entry ' || a.entry_id || '> to line ' || a.line_id
            || ' was released without exactly one credit of the same seconds and amount'
        from allocation a left join allocation c on c.reverses_id = a.id and c.kind = 'credit'
          and c.entry_id = a.entry_id and c.amount_minor = a.amount_minor
          and c.billed_seconds = a.billed_seconds
        where a.kind = 'line' and (a.released_at is null) <> (c.id is null)
    """,
    "line amounts": f"""
        select 'line ' || position || ' of document ' || number || ' comes to <'
            || currency || ' ' || (explanation ->> 'amount_minor') || '>, its entries make <'
            || currency || ' ' || wanted || '>'
        from (
          select line_id, position, number, currency, explanation,
            case min(policy ->> 'amounts')
              when 'line-once' then
                round(sum(billed_seconds) * min(unit_price) * min(unit) / 3600)
              when 'entry-4dp' then round(sum(weight) / (10000 / min(unit)))
              else sum(weight) end as wanted
          from ({_WEIGHED}) w group by line_id, position, number, currency, explanation
        ) derived where (explanation ->> 'amount_minor')::numeric <> wanted
    """,
    "printed lines": """
        select 'line ' || l.position || ' of document ' || d.number || ' is kept as '
            || concat_ws(' ', trim_scale(l.quantity), l.unit, 'at', trim_scale(l.unit_price))
            || ', the document says ' || concat_ws(' ', said.quantity, said.unit, 'at', said.price)
        from document_line l join document d on d.id = l.document_id
        cross join lateral (
          select nullif(line ->> 'quantity', '')::numeric as quantity,
            case when l.kind = 'time' then 'h' else coalesce(line ->> 'unit', '') end as unit,
            nullif(line ->> 'price', '')::numeric as price
          from jsonb_array_elements(d.content::jsonb -> 'lines') line
          where (line ->> 'position')::int = l.position
        ) said
        where (l.quantity, l.unit, l.unit_price)
            is distinct from (said.quantity, said.unit, said.price)
    """,
    "printed figures": """
        select 'line ' || position || ' of document ' || d.number || ' is kept as '
            || coalesce(l.seconds || ' s and <' || d.currency || ' ' || l.net_minor || '>',
                        'nothing')
            || ', the document says '
            || coalesce(said.seconds || ' s and <' || d.currency || ' ' || said.net_minor || '>',
                        'nothing')
        from document_line l full join (
          select id as document_id, (line ->> 'position')::int as position,
            coalesce((line ->> 'seconds')::bigint, 0) as seconds,
            (line ->> 'net_minor')::bigint as net_minor
          from document cross join lateral jsonb_array_elements(content::jsonb -> 'lines') line
        ) said using (document_id, position)
        join document d on d.id = document_id
        where (l.seconds, l.net_minor) is distinct from (said.seconds, said.net_minor)
        union all
        select 'the tax ' || name || ' ' || trim_scale(percent) || ' % of document ' || d.number
            || ' is kept as '
            || coalesce('<' || d.currency || ' ' || t.tax_minor || '> on <' || d.currency || ' '
                        || t.taxable_minor || '>', 'nothing')
            || ', the document says '
            || coalesce('<' || d.currency || ' ' || said.tax_minor || '> on <' || d.currency || ' '
                        || said.taxable_minor || '>', 'nothing')
        from (
          select document_id, name, percent, sum(taxable_minor) as taxable_minor,
            sum(tax_minor) as tax_minor
          from document_tax group by 1, 2, 3
        ) t full join (
          select id as document_id, tax ->> 'name' as name, (tax ->> 'percent')::numeric as percent,
            sum((tax ->> 'taxable_minor')::bigint) as taxable_minor,
            sum((tax ->> 'tax_minor')::bigint) as tax_minor
          from document cross join lateral jsonb_array_elements(content::jsonb -> 'taxes') tax
          group by 1, 2, 3
        ) said using (document_id, name, percent)
        join document d on d.id = document_id
        where (t.taxable_minor, t.tax_minor)
            is distinct from (said.taxable_minor, said.tax_minor)
    """,
    "shares": f"""
        select '<entry ' || entry_id || '> on document ' || number || ' holds <' || currency
            || ' ' || amount_minor || '>, its share of line ' || position || ' is <' || currency
            || ' ' || share || '>'
        from (
          select cut.*, base + case when row_number() over (
              partition by line_id order by fraction desc, entry_id
            ) <= net_minor - sum(base) over (partition by line_id) then 1 else 0 end as share
          from (
            select w.*, floor(net_minor * weight / whole) as base,
              net_minor * weight - floor(net_minor * weight / whole) * whole as fraction
            from (
              select w.*, sum(weight) over (partition by line_id) as whole from ({_WEIGHED}) w
            ) w where whole > 0
          ) cut
        ) shared where amount_minor <> share
        union all
        select 'the entries of line ' || position || ' of document ' || number || ' hold <'
            || currency || ' ' || sum(amount_minor) || '>, the line <' || currency || ' '
            || net_minor || '>'
        from ({_BILLED}) b group by line_id, position, number, currency, net_minor
        having sum(amount_minor) <> net_minor
    """,
    "totals": """
        select 'document ' || d.number || ' has net <' || d.currency || ' ' || d.net_minor
            || '> and tax <' || d.currency || ' ' || d.tax_minor || '>, its lines make <'
            || d.currency || ' ' || l.net || '> and its taxes <' || d.currency || ' ' || t.tax
            || '>'
        from document d
        cross join lateral (select coalesce(sum(net_minor), 0) as net from document_line
                            where document_id = d.id and kind <> 'rounding') l
        cross join lateral (select coalesce(sum(tax_minor), 0) as tax from document_tax
                            where document_id = d.id) t
        where d.net_minor <> l.net or d.tax_minor <> t.tax
           or d.net_minor + d.tax_minor + d.rounding_minor <> d.gross_minor
    """,
    "credit notes": """
        select 'credit note ' || c.number || ' over <' || c.currency || ' ' || c.gross_minor
            || '> does not cancel invoice ' || i.number || ' over <' || i.currency || ' '
            || i.gross_minor || '>'
        from document c join document i on i.id = c.credits_id
        where (c.net_minor, c.tax_minor, c.rounding_minor, c.gross_minor, c.currency)
            <> (i.net_minor, i.tax_minor, i.rounding_minor, i.gross_minor, i.currency)
        union all
        select 'credit note ' || c.number || ' is not set against invoice ' || i.number
            || ' in full'
        from document c join document i on i.id = c.credits_id
        left join settlement s on s.credit_note_id = c.id and s.invoice_id = i.id
          and s.reversed_at is null
        group by c.id, c.number, c.gross_minor, i.number
        having coalesce(sum(s.amount_minor), 0) <> c.gross_minor
        union all
        select '<entry ' || a.entry_id || '> is still held by the voided invoice ' || i.number
        from document c join document i on i.id = c.credits_id
        join document_line l on l.document_id = i.id
        join allocation a on a.line_id = l.id and a.kind = 'line' and a.released_at is null
    """,
    "postings": """
        select 'journal ' || p.journal_id || ' of '
            || coalesce('document ' || min(d.number), '<payment ' || min(p.payment_id) || '>')
            || ' sums to <' || min(p.currency) || ' ' || sum(p.amount_minor) || '>, not to nothing'
        from posting p left join document d on d.id = p.document_id
        group by p.journal_id having sum(p.amount_minor) <> 0
        union all
        select 'the postings of document ' || d.number || ' are not its amounts'
        from document d cross join lateral (
          select coalesce(sum(amount_minor) filter (where ledger = 'receivable'), 0) as receivable,
            coalesce(sum(amount_minor) filter (where ledger = 'revenue'), 0) as revenue,
            coalesce(sum(amount_minor) filter (where ledger = 'tax'), 0) as tax,
            coalesce(sum(amount_minor) filter (where ledger = 'rounding'), 0) as rounding
          from posting where document_id = d.id
        ) p
        cross join lateral (select case d.kind when 'invoice' then 1 else -1 end as sign) s
        where (p.receivable, p.revenue, p.tax, p.rounding) is distinct from
          (s.sign * d.gross_minor, -s.sign * d.net_minor, -s.sign * d.tax_minor,
           -s.sign * d.rounding_minor)
        union all
        select 'the postings of <payment ' || y.id || '> make <' || y.currency || ' '
            || coalesce(sum(p.amount_minor), 0) || '>, not <' || y.currency || ' '
            || case when y.reversed_at is null then y.amount_minor else 0 end || '>'
        from payment y left join posting p on p.payment_id = y.id and p.ledger = 'bank'
        group by y.id having coalesce(sum(p.amount_minor), 0)
            <> case when y.reversed_at is null then y.amount_minor else 0 end
    """,
    "balances": """
        select '<account ' || a.id || '> owes <' || a.currency || ' ' || coalesce(p.sum, 0)
            || '> by its postings, <' || a.currency || ' '
            || coalesce(d.sum, 0) - coalesce(y.sum, 0) || '> by its documents and payments'
        from billing_account a
        left join (select account_id, sum(amount_minor) from posting where ledger = 'receivable'
                   group by 1) p on p.account_id = a.id
        left join (select account_id, sum(case kind when 'invoice' then gross_minor
                     else -gross_minor end) from document group by 1) d on d.account_id = a.id
        left join (select account_id, sum(amount_minor) from payment where reversed_at is null
                   group by 1) y on y.account_id = a.id
        where coalesce(p.sum, 0) <> coalesce(d.sum, 0) - coalesce(y.sum, 0)
    """,
    "settlements": """
        select 'more is set against invoice ' || d.number || ' than it comes to'
        from settlement s join document d on d.id = s.invoice_id where s.reversed_at is null
        group by d.id, d.number, d.gross_minor having sum(s.amount_minor) > d.gross_minor
        union all
        select '<payment ' || y.id || '> is used for <' || y.currency || ' ' || sum(s.amount_minor)
            || '> of <' || y.currency || ' '
            || case when y.reversed_at is null then y.amount_minor else 0 end || '>'
        from settlement s join payment y on y.id = s.payment_id where s.reversed_at is null
        group by y.id having sum(s.amount_minor)
            > case when y.reversed_at is null then y.amount_minor else 0 end
        union all
        select 'what is set against invoice ' || d.number || ' comes from another account'
        from settlement s join document d on d.id = s.invoice_id
        left join payment y on y.id = s.payment_id left join document c on c.id = s.credit_note_id
        where coalesce(y.account_id, c.account_id) <> d.account_id
        union all
        select 'credit note ' || d.number || ' is used for more than it comes to'
        from settlement s join document d on d.id = s.credit_note_id where s.reversed_at is null
        group by d.id, d.number, d.gross_minor having sum(s.amount_minor) > d.gross_minor
    """,
    "receivables": """
        select 'invoice ' || d.number || ' is kept with <' || d.currency || ' '
            || coalesce(r.left_minor, 0) || '> left to pay; <' || d.currency || ' '
            || d.gross_minor - coalesce(s.sum, 0) || '> are left'
        from document d left join receivable r on r.invoice_id = d.id
        left join (select invoice_id, sum(amount_minor) from settlement
                   where reversed_at is null group by 1) s on s.invoice_id = d.id
        where d.kind = 'invoice' and coalesce(r.left_minor, 0) <> d.gross_minor - coalesce(s.sum, 0)
        union all
        select 'invoice ' || d.number || ' is kept with a payer, currency or due day of its own'
        from receivable r join document d on d.id = r.invoice_id
        where (r.payer_id, r.currency, r.due_on, 'invoice')
            is distinct from (d.payer_id, d.currency, d.due_on, d.kind)
    """,
    "worked days": """
        select '<company ' || company_id || '> is kept with ' || coalesce(w.entries, 0)
            || ' entries of ' || coalesce(w.billable_seconds, 0) || ' s billable and '
            || coalesce(w.other_seconds, 0) || ' s other work on ' || work_date || '; there are '
            || coalesce(e.entries, 0) || ' of ' || coalesce(e.billable, 0) || ' s and '
            || coalesce(e.other, 0) || ' s'
        from (select work_date, company_id, sum(entries) as entries,
                     sum(billable_seconds) as billable_seconds, sum(other_seconds) as other_seconds
              from worked_day group by 1, 2) w full join (
            select work_date, company_id, count(*) as entries, sum(billable_seconds) as billable,
                   sum(recorded_seconds - billable_seconds) as other
            from time_entry group by 1, 2) e using (work_date, company_id)
        where coalesce(w.entries, 0) <> coalesce(e.entries, 0)
           or coalesce(w.billable_seconds, 0) <> coalesce(e.billable, 0)
           or coalesce(w.other_seconds, 0) <> coalesce(e.other, 0)
    """,
}
