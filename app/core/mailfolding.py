"""How the headers of our mails are broken into lines, so that every program reads them back.

The standard library writes a long subject with signs outside ASCII as words of which some may be
empty, which RFC 2047 (§2) does not allow, and with a space too many where a line breaks; and one
that is a little too long it puts below an empty line.
"""

from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.policy import SMTP, Policy


class Subject(UnstructuredHeader, BaseHeader):
    """A subject that begins at once, encoded as a whole where a sign of it is outside ASCII."""

    max_count = 1

    def fold(self, *, policy: Policy) -> str:
        end = policy.linesep
        charset = "us-ascii" if self.isascii() else "utf-8"
        coded = Header(str(self), charset, header_name=self.name).encode(linesep=end)
        return f"{self.name}: {coded}{end}"


_headers = HeaderRegistry()
_headers.map_to_type("subject", Subject)
POLICY = SMTP.clone(header_factory=_headers)
"""By which our mails are made and written."""
