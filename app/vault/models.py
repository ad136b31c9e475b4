"""One table: a login of a client company."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.companies.models import Company, Contact
from app.core.db import Model, Stamped


class Credential(Stamped, Model):
    """A login. `sealed` is user name, secret and note, readable with the vault's keys only.

    `contact_id` is who handed it over, none where staff wrote it down; `ticket_id` the request it
    came with. Removing one erases what was sealed and keeps the row.
    """

    __tablename__ = "credential"
    __table_args__ = (
        CheckConstraint("btrim(label) <> ''", name="label"),
        CheckConstraint("(sealed is null) = (removed_at is not null)", name="removed"),
        Index("ix_credential_company_id", "company_id"),
        Index("ix_credential_ticket_id", "ticket_id"),
    )

    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    contact_id: Mapped[int | None] = mapped_column(
        ForeignKey("contact.id", ondelete="SET NULL"), index=True
    )
    given_by: Mapped[str] = mapped_column(String(200))
    label: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(String(1000), server_default="")
    sealed: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    opened_by: Mapped[str] = mapped_column(String(200), server_default="")
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    company: Mapped[Company] = relationship()
    contact: Mapped[Contact | None] = relationship()

    def __str__(self) -> str:
        return self.label
