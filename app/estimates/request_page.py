"""What a client's page of a request shows besides the request itself, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from app.core.access import Viewer, scoped
from app.core.db import db
from app.estimates import queries
from app.estimates.models import Estimate
from app.estimates.queries import Shown
from app.estimates.rules import APPROVED
from app.tickets import client_queries
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry
from app.vault.models import Credential


@dataclass(frozen=True, slots=True)
class Beside:
    """Seconds worked, logins that came with the request, and its estimate's versions.

    The numbers of requests that it leads to are those of `client_queries.Leads`.
    """

    seconds: int
    logins: Sequence[Mapping[str, Any]]
    estimates: Sequence[Shown]
    merged_into: int | None
    follows: int | None
    goes_on: int | None


def beside(viewer: Viewer, ticket: Ticket) -> Beside:
    """All of it for a request that the viewer sees; rejected time left out."""
    seen = scoped(Estimate, viewer).with_only_columns(Estimate.id)
    this, leads = aliased(Ticket), client_queries.leads(viewer, ticket)
    rows = db.session.execute(
        select(
            Estimate,
            cast(queries.used(Estimate), Text),
            _seconds(ticket).label("seconds"),
            cast(_logins(ticket), Text).label("logins"),
            leads.merged_into.label("merged_into"),
            leads.follows.label("follows"),
            leads.goes_on.label("goes_on"),
        )
        .select_from(this)
        .outerjoin(
            Estimate,
            and_(
                or_(
                    Estimate.ticket_id == this.id,
                    and_(Estimate.carried_by.contains([ticket.id]), Estimate.state == APPROVED),
                ),
                Estimate.id.in_(seen),
            ),
        )
        .where(this.id == ticket.id)
        .options(*queries.with_lines())
        .order_by(
            (Estimate.ticket_id == this.id).desc(), Estimate.ticket_id, Estimate.version.desc()
        )
        .execution_options(populate_existing=True)
    )
    found = rows.unique().all()
    pairs = [(row[0], row[1]) for row in found if row[0] is not None]
    first = found[0]
    return Beside(
        first.seconds,
        queries.read(first.logins),
        queries.shown(pairs),
        merged_into=first.merged_into,
        follows=first.follows,
        goes_on=first.goes_on,
    )


def _seconds(ticket: Ticket) -> Any:
    total = func.coalesce(func.sum(TimeEntry.recorded_seconds), 0)
    return (
        select(total)
        .where(TimeEntry.ticket_id == ticket.id, TimeEntry.state != "rejected")
        .scalar_subquery()
    )


def _logins(ticket: Ticket) -> Any:
    """What the logins are called and who gave them, never what they hold."""
    each = func.jsonb_build_object(
        *("label", Credential.label, "contact_id", Credential.contact_id),
        *("given_by", Credential.given_by),
    )
    found = select(func.jsonb_agg(aggregate_order_by(each, Credential.label, Credential.id))).where(
        Credential.ticket_id == ticket.id,
        Credential.company_id == ticket.company_id,
        Credential.removed_at.is_(None),
    )
    return func.coalesce(found.scalar_subquery(), func.jsonb_build_array())
