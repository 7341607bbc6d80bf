"""What an entry still takes to be signed off: an end of a source by owner and quality, a sample or a true copy by
whoever looked, an access review by security officer and quality, the closing of an integrity incident by quality, a
proposed change of configuration, and a deferral of findings, by a second person who approves, a trial of a rule by
whoever looked at its cases.

What people decide is an entry at once; that they answer for it is their signature over that very entry.
Until each that is needed is there, every surface says which is open.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.address import Address, LogId
from ledger.core.change import ACTION, APPROVED, ChangeEntry, ChangeEvent
from ledger.core.disposition import APPROVERS, APPROVES, Deferral
from ledger.core.ruling import RuleChallenge
from ledger.core.signature import SignatureEntry
from ledger.findings.incident_kinds import CaseEvent, IncidentCase
from ledger.people.changeable import approvers_of
from ledger.people.credentials import read_entry
from ledger.people.person_kinds import AccessReviewEntry
from ledger.people.roles import Role
from ledger.signing.targets import signatures_over
from ledger.sources.import_kinds import TrueCopy
from ledger.sources.life_kinds import LifeEvent, SourceLife
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.store import Store


class Needed(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that an entry takes: the list's action and meaning, and the roles that give it (empty: any)."""

    action: str
    meaning: str
    roles: tuple[Role, ...] = ()


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A signature over an entry: who, in which role, what it means, when; `address`: where it stands."""

    address: str
    account: str
    name: str
    role: str
    meaning: str
    text: str
    signed_at: str
    zone: str


class SignOff(msgspec.Struct, frozen=True, kw_only=True):
    """How an entry stands: what it was signed with, and what is still open of what it takes."""

    given: tuple[Given, ...] = ()
    open: tuple[Needed, ...] = ()


_OWNER_AND_QUALITY: Final = (
    Needed(action="source", meaning="closed", roles=(Role.SOURCE_OWNER,)),
    Needed(action="source", meaning="approved", roles=(Role.APPROVER, Role.QUALIFIED_PERSON)),
)
_OFFICER_AND_QUALITY: Final = (
    Needed(action="access-review", meaning="reviewed", roles=(Role.SECURITY_OFFICER,)),
    Needed(action="access-review", meaning="approved", roles=(Role.APPROVER,)),
)
_TRIED: Final = (Needed(action="rule", meaning="verified"),)
_SAMPLE: Final = (Needed(action="mapping", meaning="verified"),)
_INCIDENT: Final = (Needed(action="incident", meaning="closed", roles=(Role.APPROVER, Role.QUALIFIED_PERSON)),)
_DEFERRAL: Final = (Needed(action="review", meaning=APPROVES, roles=tuple(map(Role, APPROVERS))),)
TRUE_COPY: Final = Needed(action="true-copy", meaning="true-copy")


def needed(body: msgspec.Struct) -> tuple[Needed, ...]:
    """The signatures that an entry takes; none for most."""
    if isinstance(body, TrueCopy):
        return (TRUE_COPY,)
    if isinstance(body, RuleChallenge):
        return _TRIED
    if isinstance(body, IncidentCase):
        return _INCIDENT if body.event is CaseEvent.CLOSING else ()
    if isinstance(body, Deferral):
        return _DEFERRAL
    if isinstance(body, ChangeEntry):
        if body.event is not ChangeEvent.PROPOSED:
            return ()
        return (Needed(action=ACTION, meaning=APPROVED, roles=approvers_of(body.kinds)),)
    if isinstance(body, AccessReviewEntry):
        return _OFFICER_AND_QUALITY
    if isinstance(body, SourceLife):
        return {LifeEvent.DECOMMISSIONED: _OWNER_AND_QUALITY, LifeEvent.VALIDATED: _SAMPLE}.get(body.event, ())
    return ()


def sign_off(store: Store, connection: Connection, log: LogId, index: int, body: msgspec.Struct) -> SignOff:
    """How this entry of a log stands in this snapshot; its signatures are read off the system log."""
    given = tuple(_given(store, connection, one) for one in signatures_over(connection, log.origin, index))
    # Who proposes a change, or asks for a deferral, does not approve it, though they may approve others.
    own = body.authority.actor if isinstance(body, ChangeEntry | Deferral) else None
    counting = tuple(one for one in given if one.account != own)
    return SignOff(given=given, open=tuple(one for one in needed(body) if not _fulfilled(one, counting)))


def signs_off(store: Store, log: LogId, entries: Iterable[tuple[int, msgspec.Struct]]) -> list[SignOff]:
    """How each of these entries of a log stands, in one snapshot."""
    with store.reading() as connection:
        return [sign_off(store, connection, log, index, body) for index, body in entries]


def reviews_sign_off(store: Store, log: LogId, indices: Iterable[int]) -> list[SignOff]:
    """How each of these access reviews, entries of the system log, stands."""
    with store.reading() as connection:
        return [
            sign_off(store, connection, log, index, read_entry(store, connection, index, AccessReviewEntry)[0])
            for index in indices
        ]


def _fulfilled(one: Needed, given: tuple[Given, ...]) -> bool:
    roles = {role.value for role in one.roles}
    return any(other.meaning == one.meaning and (not roles or other.role in roles) for other in given)


def _given(store: Store, connection: Connection, index: int) -> Given:
    entry, _ = read_entry(store, connection, index, SignatureEntry)
    said = entry.statement
    origin = next(log.origin for log in read_logs(connection) if log.number == SYSTEM_LOG)
    return Given(
        address=str(Address(origin, index)),
        account=said.signer.account,
        name=said.signer.name,
        role=said.signer.role,
        meaning=said.meaning.code,
        text=said.meaning.text,
        signed_at=said.signed_at,
        zone=said.zone,
    )
