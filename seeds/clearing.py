"""Begins and removes the demo. It goes in only where nobody works yet, and takes all of it out.

`set local tallydesk.unlock = 'demo'` lifts the guards over issued and append-only rows for one
transaction. That is refused while anything but demo data was ever issued.
"""

from datetime import date, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.billing.agency import the_agency
from app.billing.models import Document
from app.companies.models import Company
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Job
from app.staff.models import Staff
from config import Settings
from seeds import foundation, names, promised
from seeds.demo import TICKETS
from seeds.loading import KIND

KEY = KIND
MOST_NAMED = 5
DEMO_COMPANIES = "(select id from company where is_demo)"
DEMO_STAFF = "(select id from staff where is_demo)"
DEMO_USERS = "(select user_id from staff where is_demo and user_id is not null)"
DEMO_ACCOUNTS = f"(select id from billing_account where payer_id in {DEMO_COMPANIES})"
DEMO_DOCUMENTS = f"(select id from document where payer_id in {DEMO_COMPANIES})"
DEMO_TICKETS = f"(select id from ticket where company_id in {DEMO_COMPANIES})"
DEMO_ENTRIES = f"(select id from time_entry where company_id in {DEMO_COMPANIES})"
DEMO_EVENTS = f"(select id from event where ticket_id in {DEMO_TICKETS})"
DEMO_CONTACTS = "(select id from contact where is_demo)"
DEMO_LINES = f"(select id from document_line where document_id in {DEMO_DOCUMENTS})"

# In the order of their references; each only what belongs to the demo.
DELETES = (
    f"mail where about_kind = 'document' and about_id in {DEMO_DOCUMENTS}",
    f"mail where about_kind = 'ticket' and about_id in {DEMO_TICKETS}",
    f"mail where about_kind = 'contact' and about_id in {DEMO_CONTACTS}",
    (
        "mail where about_kind = 'registration' and about_id in"
        f" (select id from registration where company_id in {DEMO_COMPANIES})"
    ),
    f"mail where event_id in {DEMO_EVENTS}",
    f"received_mail where ticket_id in {DEMO_TICKETS} or contact_id in {DEMO_CONTACTS}",
    f"settlement where invoice_id in {DEMO_DOCUMENTS}",
    f"posting where account_id in {DEMO_ACCOUNTS}",
    f"payment where account_id in {DEMO_ACCOUNTS}",
    f"allocation where kind = 'credit' and entry_id in {DEMO_ENTRIES}",
    f"allocation where entry_id in {DEMO_ENTRIES}",
    f"run_row where account_id in {DEMO_ACCOUNTS}",
    f"run_block where company_id in {DEMO_COMPANIES}",
    f"extra_line where account_id in {DEMO_ACCOUNTS}",
    f"document_pdf where document_id in {DEMO_DOCUMENTS}",
    f"document_tax where document_id in {DEMO_DOCUMENTS}",
    f"document_line where document_id in {DEMO_DOCUMENTS}",
    f"document where kind = 'credit_note' and payer_id in {DEMO_COMPANIES}",
    f"document where payer_id in {DEMO_COMPANIES}",
    (
        f"billing_run where created_by in {DEMO_USERS}"
        " and not exists (select 1 from run_row where run_id = billing_run.id)"
    ),
    f"billing_account where payer_id in {DEMO_COMPANIES}",
    f"time_entry where company_id in {DEMO_COMPANIES}",
    f"credential where company_id in {DEMO_COMPANIES}",
    f"presence where staff_id in {DEMO_STAFF} or ticket_id in {DEMO_TICKETS}",
    f"timer where staff_id in {DEMO_STAFF} or ticket_id in {DEMO_TICKETS}",
    f"attachment where event_id in {DEMO_EVENTS}",
    f"estimate where ticket_id in {DEMO_TICKETS}",
    f"event where ticket_id in {DEMO_TICKETS}",
    f"ticket_link where ticket_id in {DEMO_TICKETS} or other_id in {DEMO_TICKETS}",
    f"ticket where company_id in {DEMO_COMPANIES}",
    "rule where is_demo",
    f"audit_log where contact_id in {DEMO_CONTACTS}",
    f"audit_log where object_kind = 'contact' and object_id in {DEMO_CONTACTS}",
    (
        "audit_log where object_kind = 'registration' and object_id in"
        f" (select id from registration where company_id in {DEMO_COMPANIES})"
    ),
    f"membership where contact_id in {DEMO_CONTACTS}",
    f"contact_email where contact_id in {DEMO_CONTACTS}",
    f"registration where contact_id in {DEMO_CONTACTS} or company_id in {DEMO_COMPANIES}",
    "contact where is_demo",
    f"bill_to where company_id in {DEMO_COMPANIES}",
    f"rate_rule where company_id in {DEMO_COMPANIES} or staff_id in {DEMO_STAFF}",
    f"tax where company_id in {DEMO_COMPANIES}",
    "company where is_demo",
    f"audit_log where channel = 'demo' or actor_id in {DEMO_USERS}",
)
# Jobs that billed, drew and priced what is gone by then.
DELETE_JOBS = f"""
delete from job where (state <> 'leased' or lease_until < clock_timestamp()) and (
  created_by in {DEMO_USERS} and kind in ('billing.compile', 'billing.issue')
    and not exists (select 1 from billing_run where job_id = job.id)
  or kind = 'billing.revalue' and not exists (
    select 1 from company c where c.id = coalesce((payload ->> 'company')::bigint, c.id))
  or kind = 'billing.value' and not exists (
    select 1 from time_entry e
    where e.id in (select id::bigint from jsonb_array_elements_text(payload -> 'entries') as w(id)))
  or kind = 'billing.tell' and not exists (
    select 1 from document d where d.id in (
      select id::bigint from jsonb_array_elements_text(payload -> 'documents') as w(id)))
  or kind = 'estimates.draw' and not exists (
    select 1 from estimate_paper p where p.id = (payload ->> 'paper')::bigint)
  or kind = 'billing.render' and not exists (
    select 1 from document d where d.id in (
      select id::bigint from jsonb_array_elements_text(payload -> 'document_ids') as w(id))))
"""


def begin(settings: Settings, last_day: date | None = None, *, tickets: int = TICKETS) -> int:
    """Make the sign-ins and post the job that loads the rest; returns the job's id.

    `last_day` is the last one with work, yesterday when not given; `tickets` sets the size.

    A demo that is there, loading or loaded, is left as it is. Refused where others can reach the
    installation, and where people or companies of the agency's own are in it.
    """
    with unit_of_work() as session:
        session.execute(text("select pg_advisory_xact_lock(hashtext('demo'))"))
        known = session.scalar(select(Job.id).where(Job.dedupe_key == KEY))
        if known is not None:
            return int(known)
        problems = _not_here(settings)
        if problems:
            raise RuleError(*problems)
        foundation.write_staff()
        last = last_day or clock.today(the_agency().zone) - timedelta(days=1)
        payload = {"last_day": last.isoformat(), "tickets": tickets}
        return jobs.post(KIND, payload, dedupe_key=KEY)


def is_done(job_id: int) -> bool:
    """Whether the job that loads the demo has loaded all of it."""
    return db.session.get_one(Job, job_id).state == "done"


def _not_here(settings: Settings) -> list[str]:
    problems = []
    if settings.hardened:
        problems.append(
            "The demo has passwords that everybody knows: load it only where HOST is a loopback "
            "address and PUBLIC_URL is not https."
        )
    if the_agency().is_set_up:
        problems.append(f"The agency is {the_agency().name} already: the demo would mix with it.")
    wanted = [row[1] for row in names.STAFF if row[1]]
    taken = db.session.scalars(select(User.username).where(User.username.in_(wanted))).all()
    if taken:
        problems.append(f"There are sign-ins of these names already: {', '.join(taken)}.")
    companies = db.session.scalars(
        select(Company.name).order_by(Company.id).limit(MOST_NAMED)
    ).all()
    if companies:
        problems.append(f"There are companies already: {', '.join(companies)}.")
    return problems


def clear() -> dict[str, int]:
    """Remove the demo and nothing else; returns how many rows went from each table.

    Raises `RuleError` naming what is in the way: other issued documents, and whatever of the
    agency's own hangs on demo data.
    """
    with unit_of_work() as session:
        session.execute(text("select pg_advisory_xact_lock(hashtext('demo'))"))
        if session.scalar(select(Job.id).where(Job.dedupe_key == KEY)) is None:
            raise RuleError("There is no demo here: nothing was removed.")
        _refuse_while_loading()
        _refuse_others()
        session.execute(text("set local tallydesk.unlock = 'demo'"))
        try:
            gone = _delete_all()
        except IntegrityError as error:
            raise RuleError(f"Something of your own hangs on the demo: {_reason(error)}") from error
        _as_before()
    return gone


def _refuse_while_loading() -> None:
    loading = select(Job.id).where(Job.dedupe_key == KEY, Job.lease_until > func.clock_timestamp())
    if db.session.scalar(loading) is not None:
        raise RuleError("The demo is being loaded just now: wait until that is done.")


def _refuse_others() -> None:
    others = (
        select(Document.number)
        .join(Company, Company.id == Document.payer_id)
        .where(~Company.is_demo)
        .order_by(Document.id)
    )
    numbers = db.session.scalars(others.limit(MOST_NAMED + 1)).all()
    if numbers:
        more = " and more" if len(numbers) > MOST_NAMED else ""
        raise RuleError(
            f"Documents of your own are issued ({', '.join(numbers[:MOST_NAMED])}{more}): "
            "the demo stays, so that numbers keep running without a gap."
        )


def _reason(error: IntegrityError) -> str:
    return str(error.orig).splitlines()[-1].removeprefix("DETAIL:").strip()


def _delete_all() -> dict[str, int]:
    session = db.session
    files = session.scalars(
        text(
            f"select file_id from document_pdf where document_id in {DEMO_DOCUMENTS} union "
            "select p.file_id from estimate_paper p join estimate e on e.id = p.estimate_id"
            f" where p.file_id is not null and e.ticket_id in {DEMO_TICKETS}"
        )
    ).all()
    gone: dict[str, int] = {}
    for rows in DELETES:
        table = rows.split()[0]
        count = session.execute(text(f"delete from {rows}")).rowcount
        gone[table] = gone.get(table, 0) + count
    session.execute(
        text(
            "delete from stored_file f where id = any(:ids)"
            " and not exists (select 1 from document_pdf where file_id = f.id)"
            " and not exists (select 1 from estimate_paper where file_id = f.id)"
            " and not exists (select 1 from attachment where file_id = f.id)"
            " and not exists (select 1 from agency where logo_id = f.id)"
        ),
        {"ids": list(files)},
    )
    gone["job"] = session.execute(text(DELETE_JOBS)).rowcount
    _delete_shared(gone)
    _delete_people(gone)
    return {table: count for table, count in gone.items() if count}


def _delete_shared(gone: dict[str, int]) -> None:
    """What has no mark of its own: prices, taxes, series, work types, departments."""
    session = db.session
    ours = {
        "types": [row[0] for row in names.WORK_TYPES],
        "departments": list(names.DEPARTMENTS),
        "policy": promised.POLICY,
        "calendar": promised.CALENDAR,
        "tax": foundation.TAX,
    }
    if not session.scalar(select(func.count()).select_from(Document)):
        session.execute(text("delete from series"))
    for table, condition in (
        ("rate_rule", "work_type_id in (select id from work_type where name = any(:types))"),
        ("tax", "is_default and name = :tax"),
        ("work_type", "name = any(:types)"),
        ("department", "name = any(:departments)"),
        ("sla_policy", f"name = :policy and {_unused('sla_clock', 'sla_policy', 'policy_id')}"),
        (
            "business_calendar",
            f"name = :calendar and {_unused('sla_policy', 'business_calendar', 'calendar_id')}",
        ),
    ):
        statement = text(f"delete from {table} where {condition}")
        count = session.execute(statement, ours).rowcount
        gone[table] = gone.get(table, 0) + count


def _unused(by: str, table: str, column: str) -> str:
    return f"not exists (select 1 from {by} u where u.{column} = {table}.id)"


def _delete_people(gone: dict[str, int]) -> None:
    """Staff and sign-ins; rows of the agency's own that they made stay, without a name."""
    session = db.session
    users = session.scalars(select(Staff.user_id).where(Staff.is_demo, Staff.user_id.isnot(None)))
    ids = {"ids": list(users)}
    references = session.execute(
        text("""
        select c.conrelid::regclass::text, a.attname
        from pg_constraint c
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        where c.contype = 'f' and c.confrelid = 'ab_user'::regclass and not a.attnotnull
          and c.confdeltype = 'a'
        """)
    ).all()
    gone["staff"] = session.execute(text("delete from staff where is_demo")).rowcount
    for table, column in references:
        session.execute(
            text(f"update {table} set {column} = null where {column} = any(:ids)"),
            ids,
        )
    gone["users"] = session.execute(text("delete from ab_user where id = any(:ids)"), ids).rowcount


def _as_before() -> None:
    """The default tax and the agency as `init` left them; the job may be posted anew."""
    session = db.session
    session.execute(text("delete from tax where is_default and retired_at is null"))
    session.execute(text("update tax set retired_at = null, retired_by = null where is_default"))
    agency = the_agency()
    if agency.name == foundation.AGENCY.name:
        session.execute(
            text(
                "update agency set name = 'My agency', currency = 'EUR', zone = 'UTC',"
                " country = null, address = '', email = null, tax_id = null, iban = null,"
                " is_set_up = false, version = version + 1"
            )
        )
    session.execute(text("delete from job where dedupe_key = :key"), {"key": KEY})
    session.expire_all()
