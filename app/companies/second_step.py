"""The second step of signing in: a code of an authenticator app, for those who want it.

Who has lost the app comes in by a recovery code instead, each of which works once.

The caller opens the unit of work, but for `passes`, which counts each try by itself.
"""

import hmac

from app.companies import account_letters, accounts
from app.companies.account_models import PortalAccount
from app.core import clock, recovery, totp
from app.core.audit import record
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.sealing import seal, unseal
from app.core.words import say

PURPOSE = "portal-totp"
WRONG = say(
    "This code does not fit: wait for the next one and type its six digits, or use a recovery code"
    " that was not used before."
)
WRONG_AT_FIRST = say(
    "This code does not fit: wait for the next one in your app and type its six digits. If none"
    " fits, enter the key into the app once more."
)

RESTS = say(
    "There were too many wrong codes: for a quarter of an hour none is taken. Then type the one"
    " that your app shows."
)


def sealed_secret() -> str:
    """A new secret, sealed, to be kept by the page until it is confirmed."""
    return seal(totp.new_secret(), purpose=PURPOSE)


def shown(sealed: str) -> str:
    """A sealed secret as the person types it into the app. Raises `RuleError`."""
    return unseal(sealed, purpose=PURPOSE)


def switch_on(account: PortalAccount, sealed: str, code: str) -> tuple[str, ...]:
    """From now on a code is asked for; returns the recovery codes, which are never shown again.

    Raises `RuleError` when the code is not of this secret.
    """
    step = totp.matching_step(shown(sealed), code, clock.now())
    if step is None:
        raise RuleError(WRONG_AT_FIRST)
    account.totp_secret, account.totp_step = sealed, step
    accounts.end_sessions(account)
    _note(account, "code_on")
    account_letters.post_changed(account.contact, "code_on")
    return _fresh_codes(account)


def new_recovery_codes(account: PortalAccount) -> tuple[str, ...]:
    """Recovery codes in place of all older ones, of which their owner is told by mail."""
    account_letters.post_changed(account.contact, "codes")
    return _fresh_codes(account)


def _fresh_codes(account: PortalAccount) -> tuple[str, ...]:
    """Only their hashes are kept."""
    codes = recovery.new_codes()
    account.recovery_codes = [recovery.hashed(code) for code in codes]
    _note(account, "recovery_codes")
    return codes


def switch_off(account: PortalAccount) -> None:
    """No code is asked for any more."""
    account.totp_secret = account.totp_step = None
    account.recovery_codes = []
    accounts.end_sessions(account)
    _note(account, "code_off")
    account_letters.post_changed(account.contact, "code_off")


def passes(account: PortalAccount, code: str) -> bool:
    """Whether this is a code of now, or a recovery code, that was not used before.

    The try is counted first.
    """
    if account.totp_secret is None or not accounts.count_try(account):
        return False
    with unit_of_work():
        held = db.session.get_one(
            PortalAccount, account.id, with_for_update=True, populate_existing=True
        )
        if held.totp_secret is None:
            return False
        step = totp.matching_step(shown(held.totp_secret), code, clock.now(), after=held.totp_step)
        if step is not None:
            held.totp_step = step
        elif not _uses_up(held, code):
            return False
        accounts.forget_tries(held)
    return True


def why_refused(account: PortalAccount) -> str:
    """Why a code did not pass: it is wrong, or none is taken for a while."""
    return RESTS if accounts.rests(account) else WRONG


def _uses_up(account: PortalAccount, code: str) -> bool:
    """Take a recovery code out of those that still work; whether it was one."""
    given = recovery.hashed(code)
    left = [each for each in account.recovery_codes if not hmac.compare_digest(each, given)]
    if len(left) == len(account.recovery_codes):
        return False
    account.recovery_codes = left
    _note(account, "recovery_code_used")
    return True


def _note(account: PortalAccount, what: str) -> None:
    actor = accounts.acting(account.contact)
    record(actor, f"portal.{what}", kind="contact", id=account.contact_id)
