"""The second step of signing in: a code of an authenticator app, for those who want it.

The caller opens the unit of work, but for `passes`, which counts each try by itself.
"""

from app.companies import accounts
from app.companies.account_models import PortalAccount
from app.core import clock, totp
from app.core.audit import record
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.sealing import seal, unseal

PURPOSE = "portal-totp"
WRONG = "This code does not fit: wait for the next one and type its six digits."


def sealed_secret() -> str:
    """A new secret, sealed, to be kept by the page until it is confirmed."""
    return seal(totp.new_secret(), purpose=PURPOSE)


def shown(sealed: str) -> str:
    """A sealed secret as the person types it into the app. Raises `RuleError`."""
    return unseal(sealed, purpose=PURPOSE)


def switch_on(account: PortalAccount, sealed: str, code: str) -> None:
    """From now on a code is asked for. Raises `RuleError` when the code is not of this secret."""
    step = totp.matching_step(shown(sealed), code, clock.now())
    if step is None:
        raise RuleError(WRONG)
    account.totp_secret, account.totp_step = sealed, step
    accounts.end_sessions(account)
    record(
        accounts.acting(account.contact), "portal.code_on", kind="contact", id=account.contact_id
    )


def switch_off(account: PortalAccount) -> None:
    """No code is asked for any more."""
    account.totp_secret = account.totp_step = None
    accounts.end_sessions(account)
    record(
        accounts.acting(account.contact), "portal.code_off", kind="contact", id=account.contact_id
    )


def passes(account: PortalAccount, code: str) -> bool:
    """Whether this is a code of now that was not used before; the try is counted first."""
    if account.totp_secret is None or not accounts.count_try(account):
        return False
    with unit_of_work():
        held = db.session.get_one(
            PortalAccount, account.id, with_for_update=True, populate_existing=True
        )
        if held.totp_secret is None:
            return False
        step = totp.matching_step(shown(held.totp_secret), code, clock.now(), after=held.totp_step)
        if step is None:
            return False
        held.totp_step = step
        accounts.forget_tries(held)
    return True
