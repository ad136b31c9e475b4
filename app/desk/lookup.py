"""Search as you type: what `LookupField` and its script ask."""

from flask import abort, jsonify, request
from werkzeug.wrappers import Response

from app.core.lookups import LOOKUPS, Lookup, offer
from app.core.security import requires
from app.desk import blueprint
from app.staff import queries as staff
from app.tickets import queries as tickets
from app.timelog import queries as timelog

offer("staff", Lookup("Home", staff.staff_search, staff.staff_found))
offer("ticket", Lookup("Tickets", tickets.ticket_search, tickets.ticket_found))
offer("work_type", Lookup("Home", timelog.work_type_search, timelog.work_type_found))


@blueprint.get("/lookup/<entity>")
@requires("see", "Home")
def lookup(entity: str) -> Response:
    """Answer the rows that fit what was typed, to those who may see such rows at all."""
    known = LOOKUPS.get(entity) or abort(404)
    if not known.is_open:
        abort(403)
    rows = known.find(request.args.get("q", ""))
    return jsonify(results=[{"id": row.id, "text": row.text, "note": row.note} for row in rows])
