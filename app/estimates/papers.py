"""The papers of an estimate: frozen as it is sent and approved, drawn once, the same ever after.

Only a job draws (`jobs.estimates`); pages give what is stored.
"""

import datetime as dt
import json
from dataclasses import dataclass

from sqlalchemy import Select, cast, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.billing import queries as billing
from app.billing.compose import seller_of
from app.billing.documents.render import on_paper
from app.billing.documents.stored import MEDIA_TYPE, logo_of
from app.core import clock, job_queries, jobs, storage
from app.core.db import db
from app.core.errors import NotFoundError
from app.core.models import StoredFile
from app.core.words import kept_words
from app.estimates import paper_content, rules
from app.estimates.models import Estimate, EstimatePaper

DRAW = "estimates.draw"


@dataclass(frozen=True, slots=True)
class Undrawn:
    """A frozen paper without a PDF: what it says, and the moment that is stamped."""

    id: int
    content: str
    content_hash: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Filed:
    """A PDF whose bytes are on disk already, while no row names it yet."""

    paper_id: int
    sha256: str
    size: int
    notes: tuple[str, ...]


def freeze(estimate: Estimate, stage: str, *, heard: str = "") -> int:
    """Keep what the paper of this stage (sent or approved) says, and have it drawn soon.

    `heard` says to whom the approval was told, where staff noted it. Twice is once: the first
    stays. Returns the paper's id.
    """
    agency = billing.agency()
    buyer = billing.buyers([estimate.company_id], agency)[estimate.company_id]
    content, sha256 = paper_content.sealed(
        paper_content.content_of(
            estimate,
            stage=stage,
            seller=seller_of(agency),
            buyer=buyer,
            paper=agency.paper,
            heard=heard or _heard(estimate),
        )
    )
    moment = estimate.ended_at if stage == "approved" else estimate.sent_at
    made = db.session.scalar(
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
    paper_id = made or db.session.scalars(_papers(estimate, stage)).one().id
    if made is not None:
        _post(paper_id)
    return paper_id


def logos() -> Select[str]:
    """The hashes of the logos that papers have in their heads, to be drawn once more."""
    logo = cast(EstimatePaper.content, JSONB)["seller"]["logo"].as_string()
    return select(logo).where(logo != "").distinct()


def file_of(estimate: Estimate) -> StoredFile | None:
    """The PDF of a version as it stands; None until it is drawn. Changes nothing.

    Raises `NotFoundError` for a draft.
    """
    paper = db.session.scalars(_papers(estimate, _stage(estimate))).one_or_none()
    return paper.file if paper is not None else None


def have_drawn(estimate: Estimate) -> None:
    """Have the PDF of a version drawn that is not: it was sent before there were papers, or failed.

    However often it is asked for, one job a minute is posted. Raises `NotFoundError` for a draft.
    """
    stage = _stage(estimate)
    paper = db.session.scalars(_papers(estimate, stage)).one_or_none()
    if paper is None:
        freeze(estimate, stage)
    elif paper.file_id is None:
        _post(paper.id, again=f":{clock.now():%Y-%m-%dT%H:%M}")


def why_not_drawn(estimate: Estimate) -> str:
    """Why the drawing of a version was given up; empty while it is still to come."""
    paper = db.session.scalars(_papers(estimate, _stage(estimate))).one_or_none()
    return job_queries.why_dead(DRAW, {"paper": paper.id}) if paper is not None else ""


def _heard(estimate: Estimate) -> str:
    answer = estimate.action.answer if estimate.action else {}
    return kept_words(answer, "heard") or str(answer.get("heard", ""))


def _stage(estimate: Estimate) -> str:
    if estimate.state == rules.DRAFT:
        raise NotFoundError("A draft has no paper yet: send it first.")
    return "approved" if estimate.state == rules.APPROVED else "sent"


def _papers(estimate: Estimate, stage: str) -> Select[EstimatePaper]:
    return select(EstimatePaper).filter_by(estimate_id=estimate.id, stage=stage)


def _post(paper_id: int, again: str = "") -> None:
    jobs.post(DRAW, {"paper": paper_id}, dedupe_key=f"{DRAW}:{paper_id}{again}")


def undrawn(paper_id: int) -> Undrawn | None:
    """What a frozen paper says; None when its PDF is there, or it is gone with its demo."""
    paper = db.session.get(EstimatePaper, paper_id)
    if paper is None or paper.file_id is not None:
        return None
    return Undrawn(paper.id, paper.content, paper.content_hash, paper.at)


def draw_and_file(paper: Undrawn) -> Filed:
    """Draw a paper and put its bytes on disk; writes no row, so it may be repeated at will."""
    content = json.loads(paper.content)
    logo, notes = logo_of(content["seller"]["logo"])
    data = paper_content.present(content, sha256=paper.content_hash)
    made = on_paper(data, at=paper.at, logo=logo)
    sha256 = storage.write(made.pdf)
    return Filed(paper.id, sha256, len(made.pdf), (*notes, *made.reports))


def record(filed: Filed) -> None:
    """Name a filed PDF as that of its paper, in the present unit of work; the first one wins."""
    file_id = storage.register(filed.sha256, size=filed.size, media_type=MEDIA_TYPE)
    db.session.execute(
        update(EstimatePaper)
        .where(EstimatePaper.id == filed.paper_id, EstimatePaper.file_id.is_(None))
        .values(file_id=file_id, notes=list(filed.notes))
        .execution_options(synchronize_session=False)
    )


def name_of(estimate: Estimate) -> str:
    """What the file is called on somebody's disk."""
    return f"estimate-{estimate.ticket.number}-{estimate.version}.pdf"
