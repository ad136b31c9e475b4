"""A kind of request with a field of each sort, a contact to ask for, programs with a token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask_jwt_extended import create_access_token

from app.companies.models import Company, Contact
from app.core.audit import SYSTEM
from app.core.db import unit_of_work
from app.tickets import request_types
from app.tickets.intake import Condition, Field
from tests import factories as make
from tests.web.people import person, visitor

FORM = (
    Field("kind", "choice", "Kind", options=("New", "Change"), required=True),
    Field("what", "text", "What", visible_if=Condition("kind", ("Change",)), required=True),
    Field("size", "choice", "Size", options=("S", "L"), visible_if=Condition("kind", ("New",))),
    Field("why", "long", "Why", required_if=Condition("size", ("L",))),
    Field("when", "date", "When", portal_visible=False),
    Field("cost", "number", "Cost"),
    Field("scan", "file", "Scan", required_if=Condition("kind", ("New",))),
    Field("login", "secret", "Login", visible_if=Condition("kind", ("Change",))),
)
REQUESTS = "/api/v1/requests/"
KINDS = "/api/v1/request_types/"


@dataclass
class Desk:
    """What there is to ask, and for whom: Mira of Northwind, beside Harbour."""

    kind_id: int
    northwind: Company
    harbour: Company
    mira: Contact

    def body(self, **more: Any) -> dict[str, Any]:
        """A request that can be sent; `more` replaces members, None takes one out."""
        given = {
            "type": self.kind_id,
            "contact": self.mira.emails[0].address,
            "subject": "Logo",
            "message": "Please change it.",
            "fields": {"kind": "Change", "what": "The logo"},
            **more,
        }
        return {name: each for name, each in given.items() if each is not None}


@pytest.fixture
def desk(app) -> Desk:
    with unit_of_work():
        make.set_up_agency()
        kind = request_types.create_type(actor=SYSTEM, values={"name": "Work"})
        request_types.save_fields(kind.id, actor=SYSTEM, fields=FORM)
        northwind, harbour = make.company("Northwind"), make.company("Harbour")
        mira = make.contact(northwind, "Mira Krog")
    return Desk(kind.id, northwind, harbour, mira)


Asked = Callable[..., Any]


def token_of(user) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_access_token(identity=str(user.id))}"}


@pytest.fixture
def program(app) -> Asked:
    """Asks as a program does that an agent signed in: `program("POST", url, json=…)`."""
    bearer = token_of(person("Agent", email="robot@example.com"))

    def ask(method: str, url: str, **more: Any) -> Any:
        headers = {**bearer, **more.pop("headers", {})}
        return visitor(app).open(url, method=method, headers=headers, **more)

    return ask
