"""The mailboxes that are read, and the agency's own words for the mails about tickets."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model, Stamped
from app.staff.models import Department

SECURITIES = ("tls", "starttls", "none")


class Mailbox(Stamped, Model):
    """A folder on an IMAP server that is read for a department.

    `password` is sealed. Mails up to `last_uid` of `uid_validity` are stored here already.
    """

    __tablename__ = "mailbox"
    __table_args__ = (
        CheckConstraint("security in ('tls', 'starttls', 'none')", name="security"),
        CheckConstraint("port between 1 and 65535", name="port"),
    )

    address: Mapped[str] = mapped_column(CITEXT, unique=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    host: Mapped[str] = mapped_column(String(253))
    port: Mapped[int] = mapped_column(Integer, server_default="993")
    security: Mapped[str] = mapped_column(String(8), server_default="tls")
    user_name: Mapped[str] = mapped_column(String(254))
    password: Mapped[str] = mapped_column(Text)
    folder: Mapped[str] = mapped_column(String(200), server_default="INBOX")
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    uid_validity: Mapped[int | None] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger, server_default="0")
    polled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    problem: Mapped[str] = mapped_column(Text, server_default="")
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    department: Mapped[Department | None] = relationship()

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.address


class MailTemplate(Stamped, Model):
    """The agency's own words for a kind of mail; without a row ours are used."""

    __tablename__ = "mail_template"

    kind: Mapped[str] = mapped_column(String(40), unique=True)
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    __mapper_args__ = {"version_id_col": version}
