"""The papers of an estimate: frozen as it is sent and approved, drawn once, the same ever after."""

import json

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.billing import queries as billing
from app.billing.compose import seller_of
from app.billing.documents.render import on_paper
from app.billing.documents.stored import MEDIA_TYPE, logo_of
from app.core import clock, jobs, storage
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import NotFoundError, RuleError
from app.core.models import StoredFile
from app.estimates import paper_content, rules
from app.estimates.models import Estimate, EstimatePaper
from app.tickets.notifications import DEMO

DRAW = "estimates.draw"


def freeze(estimate: Estimate, stage: str, *, actor: Actor | None = None) -> None:
    """Keep what the paper of this stage (sent or approved) says, and have it drawn soon.

    Nothing is drawn beforehand for the demo. Twice is once: the first stays.
    """
    agency = billing.agency()
    buyer = billing.buyers([estimate.company_id], agency)[estimate.company_id]
    content, sha256 = paper_content.sealed(
        paper_content.content_of(
            estimate, stage=stage, seller=seller_of(agency), buyer=buyer, paper=agency.paper
        )
    )
    moment = estimate.ended_at if stage == "approved" else estimate.sent_at
    paper_id = db.session.scalar(
        insert(EstimatePaper)
        .values(
            estimate_id=estimate.id,
            stage=stage,
            content=content,
            content_hash=sha256,
            at=moment or clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["estimate_id", "stage"])
        .returning(EstimatePaper.id)
    )
    if paper_id is not None and actor is not None and actor.channel != DEMO:
        jobs.post(DRAW, {"paper": paper_id}, dedupe_key=f"{DRAW}:{paper_id}")


def file_of(estimate: Estimate, *, only_reads: bool = False) -> StoredFile:
    """The PDF of a version as it stands, drawn and stored now where it was not yet.

    Who `only_reads` has none drawn. Raises `NotFoundError` for a draft, `RuleError` then, and when
    the disk refuses.
    """
    if estimate.state == rules.DRAFT:
        raise NotFoundError("A draft has no paper yet: send it first.")
    stage = "approved" if estimate.state == rules.APPROVED else "sent"
    query = select(EstimatePaper.id).filter_by(estimate_id=estimate.id, stage=stage)
    if only_reads and db.session.scalar(query.where(EstimatePaper.file_id.is_not(None))) is None:
        raise RuleError(
            "This paper is not drawn yet, and who looks as somebody else can change nothing: "
            "open it on the desk first."
        )
    paper_id = db.session.scalar(query)
    if paper_id is None:  # sent before there were papers
        with unit_of_work():
            freeze(estimate, stage)
        paper_id = db.session.scalars(query).one()
    return drawn(paper_id)


def drawn(paper_id: int) -> StoredFile:
    """The PDF of a frozen paper; of two who draw it at once both get the one that was first."""
    paper = db.session.get_one(EstimatePaper, paper_id)
    if paper.file is not None:
        return paper.file
    content = json.loads(paper.content)
    logo, notes = logo_of(content["seller"]["logo"])
    data = paper_content.present(content, sha256=paper.content_hash)
    made = on_paper(data, at=paper.at, logo=logo)
    sha256 = storage.write(made.pdf)
    with unit_of_work():
        file_id = storage.register(sha256, size=len(made.pdf), media_type=MEDIA_TYPE)
        db.session.execute(
            update(EstimatePaper)
            .where(EstimatePaper.id == paper_id, EstimatePaper.file_id.is_(None))
            .values(file_id=file_id, notes=[*notes, *made.reports])
            .execution_options(synchronize_session=False)
        )
    return db.session.scalars(
        select(StoredFile)
        .join(EstimatePaper, EstimatePaper.file_id == StoredFile.id)
        .where(EstimatePaper.id == paper_id)
    ).one()


def name_of(estimate: Estimate) -> str:
    """What the file is called on somebody's disk."""
    return f"estimate-{estimate.ticket.number}-{estimate.version}.pdf"
