"""How often a program may ask."""

from flask_appbuilder.utils.limit import Limit
from flask_limiter.util import get_remote_address

RATE = Limit(
    "120 per minute",
    key_func=get_remote_address,
    error_message="At most 120 calls a minute are answered: wait, then go on.",
)
