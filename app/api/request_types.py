"""Kinds of requests: what can be asked, and what each asks for."""

from typing import Any

from flask import Response, url_for
from flask_appbuilder.api import expose, protect

from app.api.base import AboutRequests
from app.tickets import intake, request_queries, request_schema
from app.tickets.request_queries import Form


class RequestTypeApi(AboutRequests):
    """The kinds that clients may choose from, and the form of each."""

    resource_name = "request_types"
    method_permission_name = {"get_list": "see", "get": "see"}
    allow_browser_login = True

    @expose("/", methods=("GET",))
    @protect()
    def get_list(self) -> Response:
        """Every kind that is offered to clients, in the agency's order.

        ---
        get:
          summary: The kinds of requests that are offered
          responses:
            200:
              description: The kinds with the version of their form
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      count: {type: integer}
                      result: {type: array, items: {type: object}}
            401: {$ref: '#/components/responses/401'}
            403: {$ref: '#/components/responses/403'}
        """
        kinds = [_kind(form) for form in request_queries.offered()]
        return self.response(200, count=len(kinds), result=kinds)

    @expose("/<int:type_id>", methods=("GET",))
    @protect()
    def get(self, type_id: int) -> Response:
        """One kind with its form as it is now, archived ones too: fields, and JSON Schema of them.

        ---
        get:
          summary: The form of a kind of request
          parameters:
          - {in: path, name: type_id, required: true, schema: {type: integer}}
          responses:
            200:
              description: The fields in order, and `schema` of `fields` of a new request
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      id: {type: integer}
                      result: {type: object}
            401: {$ref: '#/components/responses/401'}
            403: {$ref: '#/components/responses/403'}
            404: {$ref: '#/components/responses/404'}
        """
        form = request_queries.form_of(type_id)
        return self.response(200, id=type_id, result=_definition(form))


def _kind(form: Form) -> dict[str, Any]:
    kind = form.type
    return {
        "id": kind.id,
        "name": kind.name,
        "help": kind.help,
        "version": form.version.number,
        "url": url_for("RequestTypeApi.get", type_id=kind.id),
    }


def _definition(form: Form) -> dict[str, Any]:
    kind = form.type
    return {
        **_kind(form),
        "is_offered": kind.is_offered,
        "next": kind.next_text,
        "department": kind.department.name if kind.department else None,
        "fields": intake.stored(form.fields),
        "schema": request_schema.schema_of(form.fields, title=kind.name),
    }
