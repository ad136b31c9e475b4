"""Every setting of Tallydesk, each documented once, read from the environment.

`docs/admin/settings.md` is written from this file by `python -m docs.settings`.
"""

import base64
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SHORTEST_SECRET = 32
VAULT_KEY_BYTES = 32
# Keys printed in tutorials and in other projects' examples: whoever knows them can forge sessions.
KNOWN_SECRETS = frozenset(
    {
        "\\2\\1thisismyscretkey\\1\\2\\e\\y\\y\\h",
        "\\2\\1thisismysecretkey\\1\\2\\e\\y\\y\\h",
        "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET",
        "thisISaSECRET_1234",
        "YOUR_OWN_RANDOM_GENERATED_SECRET_KEY",
        "TEST_NON_DEV_SECRET",
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    }
)
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
WEB = ("http", "https")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """The environment holds values that cannot be used; `problems` names every one of them."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _text(value: str) -> str:
    return value.strip()


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        number = int(value) if value.strip().lstrip("-").isdigit() else None
        if number is None or not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most} is wanted")
        return number

    return parse


def _path(value: str) -> Path:
    return Path(value).expanduser().absolute()


def _log_level(value: str) -> str:
    level = value.strip().upper()
    if level not in LOG_LEVELS:
        raise ValueError(f"one of {', '.join(LOG_LEVELS)} is wanted")
    return level


def _database_url(value: str) -> str:
    """Name the driver: SQLAlchemy knows `postgres://` no more and would look for psycopg2."""
    scheme, separator, rest = value.strip().partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError("a postgres:// or postgresql:// address is wanted")
    return f"postgresql+psycopg://{rest}"


def _mail_address(value: str) -> str:
    local, _, domain = value.strip().rpartition("@")
    if not local or not domain or any(sign.isspace() or sign in "<>," for sign in value.strip()):
        raise ValueError("an e-mail address such as support@example.com is wanted")
    return value.strip()


def _vault_keys(value: str) -> tuple[str, ...]:
    keys = _words(value)
    for key in keys:
        try:
            known = len(base64.urlsafe_b64decode(key)) == VAULT_KEY_BYTES
        except ValueError:
            known = False
        if not known:
            raise ValueError("each key is 32 random bytes in URL-safe base64 (44 characters)")
    return keys


def new_vault_key() -> str:
    """A key for the vault."""
    return base64.urlsafe_b64encode(secrets.token_bytes(VAULT_KEY_BYTES)).decode("ascii")


def _address(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        url = value.strip().rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in schemes:
            wanted = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ValueError(f"an address beginning with {wanted} is wanted")
        if parts.scheme in WEB and not parts.hostname:
            raise ValueError("it names no host: write it like https://desk.example.com")
        return url

    return parse


def _key(
    name: str,
    text: str,
    *,
    default: Any,
    shown: str,
    parse: Callable[[str], Any] = _text,
    secret: bool = False,
) -> Any:
    """One setting: its variable, what it means, and how its text is read.

    `shown` is the default as the settings page prints it. A secret is also read from the
    file that NAME_FILE names, as container platforms hand secrets over.
    """
    about = {"name": name, "text": text, "shown": shown, "parse": parse, "secret": secret}
    return field(default=default, metadata=about)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one installation; made by `from_env`, or by hand in tests."""

    data_dir: Path = _key(
        "DATA_DIR",
        "Folder of everything this installation keeps on disk: the embedded database, files, "
        "generated secrets, mails kept without SMTP_URL. Its path must be shorter than about "
        "85 characters when the embedded database is used.",
        default=Path("data"),
        shown="./data",
        parse=_path,
    )
    host: str = _key(
        "HOST",
        "Address the web server listens on. Anything but a loopback address makes cookies "
        "secure-only and asks for PUBLIC_URL.",
        default="127.0.0.1",
        shown="127.0.0.1",
    )
    port: int = _key(
        "PORT",
        "TCP port the web server listens on.",
        default=8080,
        shown="8080",
        parse=_whole_number(1, 65535),
    )
    public_url: str = _key(
        "PUBLIC_URL",
        "Address people open in their browser; every link in a mail begins with it.",
        default="",
        shown="http://127.0.0.1:PORT on a loopback HOST, else required",
        parse=_address(*WEB),
    )
    trusted_hosts_extra: tuple[str, ...] = _key(
        "TRUSTED_HOSTS",
        "Further host names, separated by commas, under which requests are accepted; a leading "
        "dot admits subdomains. The host of PUBLIC_URL is always trusted.",
        default=(),
        shown="none",
        parse=_words,
    )
    proxy_hops: int = _key(
        "PROXY_HOPS",
        "Number of reverse proxies in front whose X-Forwarded-* headers are believed.",
        default=0,
        shown="0",
        parse=_whole_number(0, 9),
    )
    database_url: str = _key(
        "DATABASE_URL",
        "A PostgreSQL server, as postgres:// or postgresql://. Empty: an embedded PostgreSQL "
        "lives in DATA_DIR.",
        default="",
        shown="embedded",
        parse=_database_url,
        secret=True,
    )
    redis_url: str = _key(
        "REDIS_URL",
        "Redis or Valkey, as redis://, rediss:// or unix://. Empty: run.py starts one when a "
        "server is installed, else workers poll the database. `none` starts none.",
        default="",
        shown="started by run.py",
        parse=lambda value: (
            "none"
            if value.strip() == "none"
            else _address("redis", "rediss", "unix", "valkey")(value)
        ),
        secret=True,
    )
    smtp_url: str = _key(
        "SMTP_URL",
        "Mail server, as smtp://user:password@host:port or smtps://. Empty: mails are kept as "
        ".eml files in DATA_DIR and shown.",
        default="",
        shown="mails are kept",
        parse=_address("smtp", "smtps", "smtp+starttls"),
        secret=True,
    )
    mail_from: str = _key(
        "MAIL_FROM",
        "Sender of outgoing mail, as an address or `Name <address>`.",
        default="",
        shown="no-reply@ the host of PUBLIC_URL",
    )
    mail_reply_to: str = _key(
        "MAIL_REPLY_TO",
        "Address that is read by this installation (a mailbox of the desk): answers to ticket "
        "mails go there, with a mark behind a plus sign. Empty: the address of the department's "
        "mailbox, else of the first one.",
        default="",
        shown="a mailbox of the desk",
        parse=_mail_address,
    )
    mail_trusted_receiver: str = _key(
        "MAIL_TRUSTED_RECEIVER",
        "Name by which your own mail server signs Authentication-Results. Only with it are "
        "answers of staff accepted by mail; all others are held back.",
        default="",
        shown="staff answer on the desk only",
    )
    secret_key: str = _key(
        "SECRET_KEY",
        "Signs sessions and links: at least 32 random characters. Empty: one is generated once "
        "and kept in DATA_DIR/secret_key. Several web hosts need the same one.",
        default="",
        shown="generated",
        secret=True,
    )
    secret_key_fallbacks: tuple[str, ...] = _key(
        "SECRET_KEY_FALLBACKS",
        "Former keys, separated by commas, that still verify while sessions signed by them live.",
        default=(),
        shown="none",
        parse=_words,
        secret=True,
    )
    vault_keys: tuple[str, ...] = _key(
        "VAULT_KEYS",
        "Keys that seal the logins of clients, separated by commas: the first seals, all open. "
        "Empty: one is generated once and kept in DATA_DIR/vault_keys. Several hosts need the "
        "same ones; without them the logins are lost.",
        default=(),
        shown="generated",
        parse=_vault_keys,
        secret=True,
    )
    files_dir: Path | None = _key(
        "FILES_DIR",
        "Folder of attachments, logos and PDFs. Several hosts need one that they share.",
        default=None,
        shown="DATA_DIR/files",
        parse=_path,
    )
    web_workers: int = _key(
        "WEB_WORKERS",
        "Web server processes.",
        default=2,
        shown="2",
        parse=_whole_number(1, 64),
    )
    web_threads: int = _key(
        "WEB_THREADS",
        "Threads of each web server process; each may hold one database connection.",
        default=8,
        shown="8",
        parse=_whole_number(1, 64),
    )
    workers: int = _key(
        "WORKERS",
        "Job workers (PDFs, mails, imports, billing). Zero is for hosts that only serve pages.",
        default=1,
        shown="1",
        parse=_whole_number(0, 64),
    )
    log_level: str = _key(
        "LOG_LEVEL",
        "DEBUG, INFO, WARNING or ERROR. Logs are JSON lines on standard error.",
        default="INFO",
        shown="INFO",
        parse=_log_level,
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read every setting, and raise SettingsError naming all that cannot be used at once."""
        source = os.environ if environ is None else environ
        values: dict[str, Any] = {"data_dir": Path("data").absolute()}
        problems: list[str] = []
        for spec in fields(cls):
            try:
                text = _text_of(spec.metadata["name"], spec.metadata["secret"], source)
                if text:
                    values[spec.name] = spec.metadata["parse"](text)
            except (ValueError, OSError) as error:
                problems.append(f"{spec.metadata['name']}: {error}")
        if problems:
            raise SettingsError(*problems)
        settings = cls(**values)
        problems = settings.problems()
        if problems:
            raise SettingsError(*problems)
        return settings

    def __post_init__(self) -> None:
        if not self.public_url and self.on_loopback:
            object.__setattr__(self, "public_url", f"http://{_bracketed(self.host)}:{self.port}")

    @property
    def on_loopback(self) -> bool:
        """Only this machine can reach the web server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def hardened(self) -> bool:
        """Others can reach this installation: secure-only cookies, HSTS and refusals apply."""
        return self.public_url.startswith("https://") or not self.on_loopback

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        """Host names under which a request is answered; all others get a 400."""
        own = urlsplit(self.public_url).hostname
        names = [_bracketed(own)] if own else []
        if self.on_loopback:
            names += LOOPBACK_HOSTS
        return tuple(dict.fromkeys([*names, *self.trusted_hosts_extra]))

    def problems(self) -> list[str]:
        """Say why this installation must not start, all reasons at once."""
        found = []
        if not self.public_url:
            found.append(
                f"PUBLIC_URL: required when HOST is {self.host}, for instance "
                "https://desk.example.com; links and trusted hosts come from it"
            )
        for name, key in [("SECRET_KEY", self.secret_key)] + [
            ("SECRET_KEY_FALLBACKS", former) for former in self.secret_key_fallbacks
        ]:
            if key in KNOWN_SECRETS:
                found.append(f"{name}: this key is published; generate one of your own")
            elif key and len(key) < SHORTEST_SECRET:
                found.append(f"{name}: at least {SHORTEST_SECRET} characters are wanted")
        return found

    def make_data_dir(self) -> None:
        """Make DATA_DIR where it is not there yet. Raises SettingsError where that cannot be."""
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"DATA_DIR: {self.data_dir} cannot be made ({error.strerror}); name a folder that "
                "this account may write in"
            ) from error

    def signing_key(self) -> str:
        """Return SECRET_KEY, else the key generated on the first call and kept in DATA_DIR."""
        return self.secret_key or _kept_secret(self.data_dir / "secret_key")

    def vault_key_list(self) -> tuple[str, ...]:
        """Return VAULT_KEYS, else those kept in DATA_DIR; the first is made on the first call."""
        return self.vault_keys or tuple(_kept_secret(self.vault_file, new_vault_key).split())

    @property
    def vault_file(self) -> Path:
        """Where the keys of the vault are kept that VAULT_KEYS does not give, newest first."""
        return self.data_dir / "vault_keys"


def _text_of(name: str, secret: bool, source: Mapping[str, str]) -> str:
    text = source.get(name, "").strip()
    path = source.get(f"{name}_FILE", "").strip() if secret else ""
    if text and path:
        raise ValueError(f"set either {name} or {name}_FILE, not both")
    return Path(path).read_text(encoding="utf-8").strip() if path else text


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _kept_secret(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)) -> str:
    """Read a secret of this installation, made once; two processes end with the same one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(make())
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)  # unlike a rename, never replaces a key somebody else made first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8").strip()
