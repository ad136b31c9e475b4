"""New keys for the vault: one more in front, everything sealed anew by it, former ones dropped."""

import os
import secrets

from app.core.db import unit_of_work
from app.core.errors import RuleError
from app.core.faults import faultpoint
from app.vault import commands, queries
from config import Settings, new_vault_key


def rotate(settings: Settings) -> dict[str, int]:
    """Seal all logins by a new key, in chunks, while everything goes on; returns figures.

    With VAULT_KEYS given the new key is the first of them, put there before. Former keys go on
    opening until `forget`.
    """
    if not settings.vault_keys:
        with queries.alone_with_keys():
            _write(settings, (new_vault_key(), *settings.vault_key_list()))
    return {"resealed": _reseal(), "keys": len(settings.vault_key_list())}


def forget(settings: Settings) -> dict[str, int]:
    """Drop former keys once nothing needs them. Raises `RuleError` when VAULT_KEYS gives them."""
    if settings.vault_keys:
        raise RuleError("VAULT_KEYS gives the keys: run `vault rotate`, then take former ones out.")
    with queries.alone_with_keys():  # what is being sealed by a former key comes to its end first
        resealed = _reseal()
        keys = settings.vault_key_list()
        _write(settings, keys[:1])
    return {"resealed": resealed, "forgotten": len(keys) - 1}


def _reseal() -> int:
    changed = last = 0
    while True:
        with unit_of_work():
            last, some = commands.reseal_some(after_id=last)
        changed += some
        if last == 0:
            return changed


def _write(settings: Settings, keys: tuple[str, ...]) -> None:
    """Replace the file of keys in one step, readable by its owner only."""
    target = settings.vault_file
    draft = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join(keys))
        file.flush()
        os.fsync(file.fileno())
    faultpoint("vault.keys.before_replace")
    draft.replace(target)
