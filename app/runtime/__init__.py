"""What runs beneath the application: database, broker, and the processes of one host.

Imports nothing else of the application, so that starting and stopping stay quick.
"""


class RuntimeRefusal(Exception):  # noqa: N818 - it refuses with a reason, nothing went wrong in us
    """Something beneath the application cannot run; the message says what and how to mend it."""
