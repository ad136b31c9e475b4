"""The questions of `prove` that the database answers: each returns one text a fault.

`numeric` arithmetic is exact and `round` goes half away from zero, as the policies ask.
"""

_BILLED = """
    select a.id, a.entry_id, a.line_id, a.kind, a.amount_minor, a.released_at,
           a.billed_seconds, a.billable_seconds, a.recorded_seconds, a.rate_rule_id,
           l.net_minor, l.seconds, l.unit_price, l.explanation, l.position,
           d.number, d.id as document_id, d.policy, d.currency, d.created_at, d.through,
           e.company_id, e.staff_id, e.work_type_id, e.work_date
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

CHECKS: dict[str, str] = {
    "rates": f"""
        select 'entry ' || b.entry_id || ' on document ' || b.number
            || ' was priced by rule ' || b.rate_rule_id || ', which does not apply to it'
        from ({_BILLED}) b join rate_rule r on r.id = b.rate_rule_id
        where r.currency <> b.currency
           or not r.valid @> b.work_date
           or r.staff_id is not null and r.staff_id <> b.staff_id
           or r.work_type_id is not null and r.work_type_id is distinct from b.work_type_id
           or r.created_at > b.created_at
           or r.retired_at < b.created_at
           or r.rate <> b.unit_price
        union all
        select 'entry ' || b.entry_id || ' on document ' || b.number || ' was priced by rule '
            || r.id || ' although rule ' || s.id || ' is stronger'
        from ({_BILLED}) b join rate_rule r on r.id = b.rate_rule_id
        join rate_rule s on s.id <> r.id and s.currency = b.currency and s.valid @> b.work_date
          and s.created_at < b.created_at
          and (s.retired_at is null or s.retired_at > b.created_at)
          and (s.staff_id is null or s.staff_id = b.staff_id)
          and (s.work_type_id is null or s.work_type_id = b.work_type_id)
          and (s.company_id is null or s.company_id = b.company_id or s.company_id = r.company_id)
        where (s.priority, coalesce(s.company_id = b.company_id, false),
               s.company_id is not null, s.staff_id is not null, s.work_type_id is not null)
            > (r.priority, coalesce(r.company_id = b.company_id, false),
               r.company_id is not null, r.staff_id is not null, r.work_type_id is not null)
    """,
    "seconds": f"""
        select 'entry ' || entry_id || ' on document ' || number || ' is billed '
            || billed_seconds || ' s, its rule makes it ' || wanted || ' s'
        from (
          select b.*, case when b.billable_seconds = 0 then 0
            when r.rounding = 'exact' or r.increment_seconds = 0
              then greatest(b.billable_seconds, r.minimum_seconds)
            else greatest(
              ceil(r.minimum_seconds::numeric / r.increment_seconds),
              case r.rounding
                when 'up' then ceil(b.billable_seconds::numeric / r.increment_seconds)
                when 'down' then floor(b.billable_seconds::numeric / r.increment_seconds)
                else round(b.billable_seconds::numeric / r.increment_seconds) end
            ) * r.increment_seconds end as wanted
          from ({_BILLED}) b join rate_rule r on r.id = b.rate_rule_id
        ) priced where billed_seconds <> wanted
        union all
        select 'line ' || position || ' of document ' || number || ' shows ' || seconds
            || ' s, its entries make ' || sum(billed_seconds) || ' s'
        from ({_BILLED}) b group by line_id, position, number, seconds
        having sum(billed_seconds) <> seconds
    """,
    "entries": f"""
        select 'entry ' || b.entry_id || ' on document ' || b.number || ' has '
            || e.recorded_seconds || ' s recorded and ' || e.billable_seconds || ' s billable, '
            || b.recorded_seconds || ' and ' || b.billable_seconds || ' were billed'
        from ({_BILLED}) b join time_entry e on e.id = b.entry_id
        where b.released_at is null and (e.recorded_seconds <> b.recorded_seconds
            or e.billable_seconds <> b.billable_seconds or e.state <> 'approved')
        union all
        select 'entry ' || entry_id || ' of ' || work_date || ' is on document ' || number
            || ', which bills through ' || through
        from ({_BILLED}) b where work_date > through
    """,
    "allocations": """
        select 'entry ' || entry_id || ' is billed or written off ' || count(*) || ' times at once'
        from allocation where released_at is null and kind <> 'credit'
        group by entry_id having count(*) > 1
        union all
        select 'the allocation of entry ' || a.entry_id || ' to line ' || a.line_id
            || ' was released without exactly one credit of the same seconds and amount'
        from allocation a left join allocation c on c.reverses_id = a.id and c.kind = 'credit'
          and c.entry_id = a.entry_id and c.amount_minor = a.amount_minor
          and c.billed_seconds = a.billed_seconds
        where a.kind = 'line' and (a.released_at is null) <> (c.id is null)
    """,
    "line amounts": f"""
        select 'line ' || position || ' of document ' || number || ' comes to '
            || (explanation ->> 'amount_minor') || ' minor units, its entries make ' || wanted
        from (
          select line_id, position, number, explanation,
            case min(policy ->> 'amounts')
              when 'line-once' then
                round(sum(billed_seconds) * min(unit_price) * min(unit) / 3600)
              when 'entry-4dp' then round(sum(weight) / (10000 / min(unit)))
              else sum(weight) end as wanted
          from ({_WEIGHED}) w group by line_id, position, number, explanation
        ) derived where (explanation ->> 'amount_minor')::numeric <> wanted
        union all
        select 'line ' || l.position || ' of document ' || d.number || ' has net ' || l.net_minor
            || ', not its amount less discount and tax taken out'
        from document_line l join document d on d.id = l.document_id
        where l.kind in ('time', 'hand', 'fixed') and l.explanation ? 'amount_minor'
          and l.net_minor <> (l.explanation ->> 'amount_minor')::bigint
            - (l.explanation ->> 'discount_minor')::bigint
            - case when d.policy ->> 'prices' = 'inclusive'
                then (l.explanation ->> 'tax_minor')::bigint else 0 end
    """,
    "shares": f"""
        select 'entry ' || entry_id || ' on document ' || number || ' holds ' || amount_minor
            || ' minor units, its share of line ' || position || ' is ' || share
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
        select 'the entries of line ' || position || ' of document ' || number || ' hold '
            || sum(amount_minor) || ' minor units, the line ' || net_minor
        from ({_BILLED}) b group by line_id, position, number, net_minor
        having sum(amount_minor) <> net_minor
    """,
    "taxes": """
        with based as (
          select l.document_id, l.tax_name, l.tax_category, l.tax_percent, d.policy, d.number,
            l.net_minor, case when d.policy ->> 'prices' = 'inclusive'
              then (l.net_minor + (l.explanation ->> 'tax_minor')::bigint) * l.tax_percent
                / (100 + l.tax_percent)
              else l.net_minor * l.tax_percent / 100 end as exact
          from document_line l join document d on d.id = l.document_id
        ), derived as (
          select document_id, number, tax_name, tax_category, tax_percent,
            sum(net_minor) as taxable,
            case when min(policy ->> 'tax_scope') = 'line' then sum(round(exact))
              else round(sum(exact)) end as tax
          from based group by document_id, number, tax_name, tax_category, tax_percent
        )
        select 'document ' || coalesce(v.number, t.document_id::text) || ' has '
            || coalesce(t.tax_minor::text, 'no') || ' minor units of '
            || coalesce(t.name, v.tax_name) || ' on ' || coalesce(t.taxable_minor::text, 'nothing')
            || '; it should be ' || coalesce(v.tax::text, 'none') || ' on '
            || coalesce(v.taxable::text, 'nothing')
        from document_tax t full join derived v on v.document_id = t.document_id
          and v.tax_name = t.name and v.tax_category = t.category and v.tax_percent = t.percent
        where t.tax_minor is distinct from v.tax or t.taxable_minor is distinct from v.taxable
    """,
    "totals": """
        select 'document ' || d.number || ' has net ' || d.net_minor || ' and tax ' || d.tax_minor
            || ', its lines make ' || l.net || ' and its taxes ' || t.tax
        from document d
        cross join lateral (select coalesce(sum(net_minor), 0) as net from document_line
                            where document_id = d.id and kind <> 'rounding') l
        cross join lateral (select coalesce(sum(tax_minor), 0) as tax from document_tax
                            where document_id = d.id) t
        where d.net_minor <> l.net or d.tax_minor <> t.tax
           or d.net_minor + d.tax_minor + d.rounding_minor <> d.gross_minor
    """,
    "credit notes": """
        select 'credit note ' || c.number || ' over ' || c.gross_minor
            || ' does not cancel invoice ' || i.number || ' over ' || i.gross_minor
        from document c join document i on i.id = c.credits_id
        where (c.net_minor, c.tax_minor, c.rounding_minor, c.gross_minor, c.currency)
            <> (i.net_minor, i.tax_minor, i.rounding_minor, i.gross_minor, i.currency)
        union all
        select 'entry ' || a.entry_id || ' is still held by the voided invoice ' || i.number
        from document c join document i on i.id = c.credits_id
        join document_line l on l.document_id = i.id
        join allocation a on a.line_id = l.id and a.kind = 'line' and a.released_at is null
    """,
    "postings": """
        select 'journal ' || journal_id || ' sums to ' || sum(amount_minor)
        from posting group by journal_id having sum(amount_minor) <> 0
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
        select 'the postings of payment ' || y.id || ' make ' || coalesce(sum(p.amount_minor), 0)
            || ', not ' || case when y.reversed_at is null then y.amount_minor else 0 end
        from payment y left join posting p on p.payment_id = y.id and p.ledger = 'bank'
        group by y.id having coalesce(sum(p.amount_minor), 0)
            <> case when y.reversed_at is null then y.amount_minor else 0 end
    """,
    "balances": """
        select 'account ' || a.id || ' owes ' || coalesce(p.sum, 0) || ' by its postings, '
            || coalesce(d.sum, 0) - coalesce(y.sum, 0) || ' by its documents and payments'
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
        select 'payment ' || y.id || ' is used for ' || sum(s.amount_minor) || ' minor units of '
            || case when y.reversed_at is null then y.amount_minor else 0 end
        from settlement s join payment y on y.id = s.payment_id where s.reversed_at is null
        group by y.id having sum(s.amount_minor)
            > case when y.reversed_at is null then y.amount_minor else 0 end
        union all
        select 'credit note ' || d.number || ' is used for more than it comes to'
        from settlement s join document d on d.id = s.credit_note_id where s.reversed_at is null
        group by d.id, d.number, d.gross_minor having sum(s.amount_minor) > d.gross_minor
    """,
}
