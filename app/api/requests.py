"""Requests: raised by programs in a contact's name, and read with their answers."""

from typing import Any

from flask import Response, abort, request, url_for
from flask_appbuilder.api import expose, protect

from app.api import schemas
from app.api.base import AboutRequests
from app.api.raising import CHANNEL, KEY, named, raise_once
from app.api.reading import body_of
from app.core.acting import current_actor
from app.core.db import unit_of_work, with_retry
from app.core.public_links import public_url
from app.tickets import intake, queries
from app.tickets.merged import final
from app.tickets.models import Ticket
from app.tickets.requesting import RequestFaultsError

LONGEST_KEY = 200
REFUSED = "The request is not sent: mend what `errors` says and send it again."


class RequestApi(AboutRequests):
    """Requests of clients; who raises one comes with a token."""

    resource_name = "requests"
    method_permission_name = {"get": "see", "post": "create"}
    apispec_parameter_schemas = schemas.ALL

    @expose("/", methods=("POST",))
    @protect()
    def post(self) -> Response:
        """Raise a request as the form on the portal does, or repeat the answer to its key.

        ---
        post:
          summary: Raise a request in the name of a contact
          parameters:
          - in: header
            name: Idempotency-Key
            description: A text of your own; whatever repeats it makes no second request
            schema: {type: string, maxLength: 200}
          requestBody:
            required: true
            content:
              application/json:
                schema: {$ref: '#/components/schemas/NewRequest'}
              multipart/form-data:
                schema:
                  type: object
                  required: [request]
                  properties:
                    request: {$ref: '#/components/schemas/NewRequest'}
                    files: {type: array, items: {type: string, format: binary}}
                  additionalProperties: {type: array, items: {type: string, format: binary}}
          responses:
            201:
              description: The request; `Location` is its address
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      id: {type: integer}
                      result: {$ref: '#/components/schemas/Request'}
            400: {$ref: '#/components/responses/400'}
            401: {$ref: '#/components/responses/401'}
            403: {$ref: '#/components/responses/403'}
            422:
              description: Every fault at once; nothing is done
              content:
                application/json:
                  schema: {$ref: '#/components/schemas/Faults'}
        """
        key = request.headers.get(KEY)
        if key is not None and not 1 <= len(key) <= LONGEST_KEY:
            abort(400, f"{KEY} has 1 to {LONGEST_KEY} characters.")
        body, by = body_of(request), current_actor(CHANNEL)

        def once() -> int:
            with unit_of_work():
                return raise_once(body, by=by, key=key)

        try:
            number = with_retry(once)
        except RequestFaultsError as error:
            return self.response(422, message=REFUSED, errors=named(error.faults))
        made = self._told(number, 201)
        made.headers["Location"] = url_for("RequestApi.get", number=number)
        return made

    @expose("/<int:number>", methods=("GET",))
    @protect(allow_browser_login=True)
    def get(self, number: int) -> Response:
        """One request with what its form was answered; of a login only that it is kept.

        ---
        get:
          summary: A request with the answers to its form
          parameters:
          - {in: path, name: number, required: true, schema: {type: integer}}
          responses:
            200:
              description: The request
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      id: {type: integer}
                      result: {$ref: '#/components/schemas/Request'}
            401: {$ref: '#/components/responses/401'}
            403: {$ref: '#/components/responses/403'}
            404: {$ref: '#/components/responses/404'}
        """
        return self._told(number, 200)

    def _told(self, number: int, code: int) -> Response:
        ticket = queries.ticket(number)
        return self.response(code, id=ticket.number, result=_told(ticket))


def _told(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status.name,
        "category": ticket.category,
        "urgency": ticket.priority,
        "company": _named(ticket.company),
        "contact": _named(ticket.requester),
        "department": _named(ticket.department),
        "type": _kind(ticket),
        "fields": _answers(ticket),
        "merged_into": final(ticket).number if ticket.merged_into_id else None,
        "created_at": ticket.created_at.isoformat(),
        "link": public_url(url_for("tickets.show", number=ticket.number)),
    }


def _named(row: Any) -> dict[str, Any] | None:
    return {"id": row.id, "name": row.name} if row else None


def _kind(ticket: Ticket) -> dict[str, Any] | None:
    kind, version = ticket.request_type, ticket.form_version
    return {**(_named(kind) or {}), "version": version.number} if kind and version else None


def _answers(ticket: Ticket) -> list[dict[str, str]]:
    """Each answered field as people read it, in the version of the form that it was asked with."""
    if ticket.form_version is None:
        return []
    fields = intake.fields_from(ticket.form_version.fields)
    return [
        {"key": one.key, "label": one.label, "value": str(value)}
        for one, value in intake.answered(fields, ticket.answers, for_client=False)
    ]
