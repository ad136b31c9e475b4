"""A real SMTP server that remembers what it took and can be told how to behave."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller


class Sink:
    """What arrived, and what is answered to whom instead of 250, at RCPT or after the mail."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: dict[str, str] = {}
        self.answers_to_data: dict[str, str] = {}
        self.hangs_at_data = False
        self.leaves_at_data = False
        self.port = 0

    def forget(self) -> None:
        """Begin again with nothing received."""
        self.received.clear()
        self.recipients.clear()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def message_ids(self) -> list[str]:
        return [message["Message-ID"] for message in self.received]

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        answer = self.answers.get(address, self.answers.get("*", ""))
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.hangs_at_data:
            await asyncio.sleep(60)
        if self.leaves_at_data:
            server.transport.close()
        answer = self.answers_to_data.get(envelope.rcpt_tos[0])
        if answer:
            return answer
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        return "250 Taken"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_sink() -> Iterator[Sink]:
    """A sink on a free port of this machine."""
    sink = Sink()
    sink.port = free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
