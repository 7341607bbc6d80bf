"""21 CFR 11.200(a)(1): what a signing takes, by whether it is the first of an unbroken session, a later one, or alone.

A session is unbroken while it is in force (it ends when it is idle, at log-out, and when another person signs in) and
its requests come from the network that it began in. In it the first signing takes all components, the later ones the
private one. Whatever else is a signing of its own and takes all. The cookie of a session alone never signs.
"""

from sqlalchemy import Connection, select

from ledger.core.errors import IntegrityError
from ledger.core.signature import Continuity, Mode, SignatureEntry
from ledger.people.access import Caller
from ledger.people.credentials import current, read_entry
from ledger.people.kinds import SessionEntry, SessionEvent
from ledger.people.security import network_of
from ledger.people.tables import browser_session
from ledger.signing.factors import CERTIFICATE, IDENTITY_PROVIDER, PASSWORD, SECOND, SIGNING_PASSKEY, SIGNING_SECRET
from ledger.signing.tables import signature
from ledger.store.position import index_of
from ledger.store.store import Store

NEEDED = {
    (Mode.SEALED_KEY, Continuity.FIRST): (SECOND, SIGNING_SECRET),
    (Mode.SEALED_KEY, Continuity.LATER): (SIGNING_SECRET,),
    (Mode.SEALED_KEY, Continuity.SINGLE): (PASSWORD, SECOND, SIGNING_SECRET),
    (Mode.PASSKEY, Continuity.FIRST): (SIGNING_PASSKEY,),
    (Mode.PASSKEY, Continuity.LATER): (SIGNING_PASSKEY,),
    (Mode.PASSKEY, Continuity.SINGLE): (SIGNING_PASSKEY,),
    (Mode.PROVIDER, Continuity.FIRST): (IDENTITY_PROVIDER,),
    (Mode.PROVIDER, Continuity.LATER): (IDENTITY_PROVIDER,),
    (Mode.PROVIDER, Continuity.SINGLE): (IDENTITY_PROVIDER,),
    (Mode.EXTERNAL, Continuity.FIRST): (SECOND, CERTIFICATE),
    (Mode.EXTERNAL, Continuity.LATER): (CERTIFICATE,),
    (Mode.EXTERNAL, Continuity.SINGLE): (PASSWORD, SECOND, CERTIFICATE),
}
"""The components that each takes, besides the user name. A signing passkey is two in one: the device, and the person's
verification by it (11.200(b)); the provider asks for all that the site demands, each time. By what a certificate's key
is guarded elsewhere is not known here, so that it counts as one."""


def continuity_of(
    store: Store, connection: Connection, caller: Caller | None, account: str, network: str | None
) -> Continuity:
    """Where a signing of this person's, asked for by this caller from there, would stand."""
    if caller is None or not caller.person or caller.account != account or caller.session is None:
        return Continuity.SINGLE
    index = current(connection, browser_session, caller.session)
    if index is None:
        return Continuity.SINGLE
    body, _ = read_entry(store, connection, index, SessionEntry)
    here = None if network is None else network_of(network)
    if body.event is not SessionEvent.STARTED or body.account != account or here is None:
        return Continuity.SINGLE
    if body.network is None or network_of(body.network) != here:
        return Continuity.SINGLE
    row = signature.c
    last = connection.execute(
        select(row.pos, row.network, row.continuity, row.account)
        .where(row.session == caller.session)
        .order_by(row.pos.desc())
        .limit(1)
    ).first()
    if last is None or last.account != account or last.network != here:
        return Continuity.FIRST
    signed, _ = read_entry(store, connection, index_of(last.pos), SignatureEntry)
    if (signed.session, signed.statement.signer.account) != (caller.session, account):
        raise IntegrityError(f"table signature contradicts entry {index_of(last.pos)} of the system log")
    return Continuity.FIRST if last.continuity == Continuity.SINGLE.value else Continuity.LATER
