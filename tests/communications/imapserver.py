"""A small IMAP server of our own: one folder, enough commands to be read, and faults on demand."""

import asyncio
import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Folder:
    """What lies in the mailbox, which mails are flagged, and how the server behaves."""

    def __init__(self) -> None:
        self.mails: dict[int, bytes] = {}
        self.seen: set[int] = set()
        self.uid_validity = 7
        self.uid_next = 0
        self.refused: set[int] = set()
        self.password = "secret word"
        self.hangs_at = ""
        self.drops_at = ""
        self.port = 0

    def add(self, raw: bytes) -> int:
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = raw
        return uid


class Session:
    def __init__(self, folder: Folder, reader, writer) -> None:
        self.folder, self.reader, self.writer = folder, reader, writer

    def say(self, text: str | bytes) -> None:
        self.writer.write((text if isinstance(text, bytes) else text.encode()) + b"\r\n")

    async def serve(self) -> None:
        self.say("* OK ready")
        try:
            while line := (await self.reader.readline()).decode().strip():
                tag, _, rest = line.partition(" ")
                if not await self.answer(tag, rest):
                    break
                await self.writer.drain()
        except ConnectionError:
            pass
        finally:
            self.writer.close()
            with suppress(ConnectionError):
                await self.writer.wait_closed()

    async def answer(self, tag: str, rest: str) -> bool:
        name = rest.split(" ", maxsplit=1)[0].upper()
        if name == "UID":
            name = rest.split(" ")[1].upper()
        if name == self.folder.hangs_at:
            await asyncio.sleep(3600)
        if name == self.folder.drops_at:
            return False
        answer = getattr(self, f"on_{name.lower()}", None)
        done = answer(rest) if answer else "OK done"
        self.say(f"{tag} {done}")
        return name != "LOGOUT"

    def on_capability(self, _rest: str) -> str:
        self.say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def on_login(self, rest: str) -> str:
        _, _user, password = shlex.split(rest)
        return "OK in" if password == self.folder.password else "NO wrong password"

    def on_select(self, _rest: str) -> str:
        self.say(f"* {len(self.folder.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.folder.uid_validity}] valid")
        following = self.folder.uid_next or max(self.folder.mails, default=0) + 1
        self.say(f"* OK [UIDNEXT {following}] next")
        return "OK [READ-WRITE] selected"

    def on_search(self, rest: str) -> str:
        if "UNSEEN" in rest:
            found = sorted(self.folder.mails.keys() - self.folder.seen)
            self.say(" ".join(["* SEARCH", *map(str, found)]))
            return "OK done"
        first = int(re.search(r"UID (\d+):\*", rest)[1])
        found = [uid for uid in self.folder.mails if uid >= first]
        if not found and self.folder.mails:
            found = [max(self.folder.mails)]  # as servers do for n:* beyond the end
        self.say(" ".join(["* SEARCH", *map(str, found)]))
        return "OK done"

    def on_fetch(self, rest: str) -> str:
        uid = int(rest.split(" ")[2])
        raw = self.folder.mails.get(uid)
        if uid in self.folder.refused and "SIZE" not in rest:
            return "NO [SERVERBUG] Internal error"
        if raw is None:
            return "OK done"
        if "SIZE" in rest:
            self.say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(raw)})")
        else:
            self.say(
                f"* {uid} FETCH (UID {uid} BODY[] {{{len(raw)}}}".encode() + b"\r\n" + raw + b")"
            )
        return "OK done"

    def on_store(self, rest: str) -> str:
        self.folder.seen.add(int(rest.split(" ")[2]))
        return "OK done"


@contextmanager
def running_imap() -> Iterator[Folder]:
    """A server on a free port of this machine."""
    folder = Folder()
    loop = asyncio.new_event_loop()
    started = threading.Event()
    tasks: set[asyncio.Task] = set()

    async def main() -> None:
        async def meet(reader, writer) -> None:
            tasks.add(asyncio.current_task())
            await Session(folder, reader, writer).serve()

        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        folder.port = server.sockets[0].getsockname()[1]
        started.set()
        folder.stop = asyncio.Event()
        await folder.stop.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    started.wait(5)
    try:
        yield folder
    finally:
        loop.call_soon_threadsafe(folder.stop.set)
        thread.join(5)
        loop.close()
