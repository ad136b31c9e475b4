"""What other programs may ask and send, under /api/v1/: for staff, never for clients.

Each answer is JSON. A refusal says why in `message`; `errors` holds the faults of what was sent, by
the name of the field. Whoever writes comes with a token: no browser sends one by itself.
"""

from flask import Flask
from flask_appbuilder import AppBuilder


def init_app(app: Flask, builder: AppBuilder) -> None:
    """Register what may be asked."""
    from app.api.reading import bound
    from app.api.request_types import RequestTypeApi
    from app.api.requests import RequestApi

    for each in (RequestTypeApi, RequestApi):
        builder.add_api(each)
    app.before_request(bound)
