"""What the calls about requests share: their place in the description, rights, and pace."""

from flask_appbuilder.api import BaseApi
from flask_appbuilder.utils.limit import Limit
from flask_limiter.util import get_remote_address

RATE = Limit(
    "120 per minute",
    key_func=get_remote_address,
    error_message="At most 120 calls a minute are answered: wait, then go on.",
)


class AboutRequests(BaseApi):
    """Calls under the one right to requests, see or create, at the pace of `RATE`."""

    openapi_spec_tag = "Requests"
    class_permission_name = "RequestApi"
    limits = [RATE]
