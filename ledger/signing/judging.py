"""What a prepared statement is held to before it becomes a signature: everything that it says, against the log.

Under the head lock, so that nothing changes in between; a row of what was prepared is believed in nothing.
"""

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.errors import (
    AccessDenied,
    Conflict,
    NotAuthenticated,
    NotFound,
    NotSignatory,
    ReauthenticationRequired,
    RecordChangedSinceReview,
    SchemaViolation,
)
from ledger.core.external import with_anchor
from ledger.core.hashing import b64
from ledger.core.key_history import KeyHistory
from ledger.core.signature import Continuity, ExternalProof, Mode, SignatureEntry, Statement, lasting_us
from ledger.people.access import Caller
from ledger.people.credentials import view
from ledger.present.messages import message
from ledger.signing import lists
from ledger.signing.anchoring import require_anchors_still, require_external, require_valid
from ledger.signing.continuity import NEEDED, continuity_of
from ledger.signing.factors import require_unlocked
from ledger.signing.history import covered, read_history
from ledger.signing.key_tests import require_tested_at
from ledger.signing.kinds import Meaning
from ledger.signing.placing import require_place
from ledger.signing.projector import counter_of
from ledger.signing.signatory import Signatory, read_signatory, require_accountable
from ledger.signing.tables import signature
from ledger.signing.targets import still_there
from ledger.store.append import Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.store import Store

OWN_KEY: Final = (Mode.SEALED_KEY, Mode.PASSKEY, Mode.EXTERNAL)
"""Modes whose proof is by a key that is bound to the person, or by their certificate elsewhere."""
_NO_EASIER: Final = {
    Continuity.FIRST: (Continuity.FIRST, Continuity.LATER),
    Continuity.LATER: (Continuity.LATER,),
}
"""Where a signing may stand by now, so that what was asked for is enough."""


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a prepared statement: the action that it is for, and the session and network of its asking.

    `task`: the request and the step that it answers, where it does; who completes it holds both to the statement.
    """

    statement: Statement
    action: str
    session: str | None = None
    network: str | None = None
    task: tuple[str, str] | None = None


class Judge:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, zone: str) -> None:
        self._store = store
        self._zone = zone

    def session(
        self, connection: Connection, said: Statement, kept: Kept, caller: Caller | None, network: str | None
    ) -> None:
        """Raises AccessDenied, NotAuthenticated unless this is the unbroken session that it was prepared in."""
        if caller is None or caller.account != said.signer.account or caller.session != kept.session:
            raise AccessDenied("this was prepared in another session", advice="Prepare it anew in this one.")
        if continuity_of(self._store, connection, caller, caller.account, network) not in _NO_EASIER[said.continuity]:
            raise NotAuthenticated(
                "the session was broken since this was prepared", advice="Prepare it anew, and show all components."
            )

    def brought(self, connection: Connection, history: KeyHistory, said: Statement, proof: object) -> ExternalProof:
        """What was brought back, with the anchor that it chains to; raises NotSignatory unless it is the signer's
        signature over this very statement.
        """
        if not isinstance(proof, ExternalProof):
            raise ReauthenticationRequired("the signature that was made elsewhere was not brought")
        now, seen = self._store.clock.now_us(), view(connection)
        entry = SignatureEntry(
            statement=said, proof=proof, authority=Authority(actor=said.signer.account, authenticated=True)
        )
        certified = require_external(connection, history, entry, seen.size)
        require_valid(certified, now)
        return with_anchor(proof, certified)

    def as_shown(
        self, transaction: Transaction, entry: SignatureEntry, kept: Kept, caller: Caller | None, network: str | None
    ) -> None:
        """Everything that the statement says, held against the log as it is under the head lock."""
        connection, said = transaction.connection, entry.statement
        account = said.signer.account
        require_unlocked(transaction, account)
        require_place(self._store, transaction, entry.network, entry.terminal)
        self._require_time(said, transaction.logged_us)
        as_due = (NEEDED[said.mode, said.continuity], self._zone, message(f"signing.class.{said.mode.value}"))
        if (said.components, said.zone, said.class_text) != as_due:
            raise RecordChangedSinceReview("what was prepared is not what this service prepares")
        person = read_signatory(self._store, connection, account)
        if person.name != said.signer.name or transaction.scratch.get(("deactivated", account)):
            raise RecordChangedSinceReview("your account was changed since this was shown")
        require_accountable(self._store, connection, account, kept.action)
        if said.mode in OWN_KEY:
            history = read_history(self._store, connection)
            standing = history.at(said.binding or "")
            if standing.revoked is not None or not covered(connection, standing):
                raise NotSignatory("the signing key was revoked meanwhile")
            require_tested_at(self._store, transaction, standing)
            if said.mode is Mode.EXTERNAL:
                require_anchors_still(transaction)
                require_external(connection, history, entry, transaction.next_index)
        log = next((one for one in self._store.logs() if one.origin == said.target.origin), None)
        if log is None or not still_there(connection, log, said.target):
            raise RecordChangedSinceReview("what would be signed is not what stands in the log")
        if b64(LogReader(connection, log.number).root(said.seen.size)) != said.seen.root:
            raise RecordChangedSinceReview("the checkpoint that was shown is not this log's")
        chosen = lists.read_list(self._store, connection, kept.action)
        meaning = lists.meaning_of(chosen, said.meaning.code)
        if not lists.says(chosen, said.meaning) or not lists.says(chosen, said.reason):
            raise RecordChangedSinceReview("the list of meanings and reasons was changed since this was shown")
        role_of(person, log, kept.action, meaning, said.signer.role)
        if said.continuity is not Continuity.SINGLE:
            self.session(connection, said, kept, caller, network)
        self._require_fresh(transaction, entry)

    def _require_fresh(self, transaction: Transaction, entry: SignatureEntry) -> None:
        """A nonce signs once; a passkey's counter goes on; nobody signs the same twice with the same meaning."""
        said, row, connection = entry.statement, signature.c, transaction.connection
        account = said.signer.account
        used = select(row.pos).where(row.nonce == said.nonce)
        if transaction.scratch.get(("nonce", said.nonce)) or connection.scalar(used) is not None:
            raise Conflict("this was signed already")
        same = select(row.pos).where(
            row.root == said.target.root, row.account == account, row.meaning == said.meaning.code
        )
        again = ("signed", account, said.target.root, said.meaning.code, said.request)
        if transaction.scratch.get(again) or (said.request is None and connection.scalar(same.limit(1)) is not None):
            raise Conflict("you have signed exactly this, with this meaning", advice="One signature is enough.")
        last = connection.scalar(
            select(row.counter).where(row.binding == said.binding).order_by(row.pos.desc()).limit(1)
        )
        counter = counter_of(entry)
        if said.mode is Mode.PASSKEY and last and counter <= last:
            raise NotAuthenticated("the passkey's counter did not go on: it may have been copied")

    def _require_time(self, said: Statement, logged_us: int) -> None:
        signed_us = parse_utc(said.signed_at)
        if not signed_us <= logged_us <= signed_us + lasting_us(said.mode):
            raise NotFound("nothing of that id is waiting to be signed", advice="It is over: begin again.")


def role_of(person: Signatory, log: LogId, action: str, meaning: Meaning, wanted: str | None) -> str:
    """The role in which a person signs so, something of that log; raises NotSignatory, SchemaViolation."""
    roles = tuple(one.value for one in meaning.roles)
    site = None if log.number == SYSTEM_LOG else log.name
    if action != lists.ACCOUNTABILITY and not person.sees(site):
        raise NotSignatory(f"{person.account!r} may not see what is to be signed")
    fit = [role for role in person.roles(site) if not roles or role in roles]
    if wanted is not None:
        fit = [role for role in fit if role == wanted]
    if not fit:
        raise NotSignatory(
            f"{person.account!r} holds no role there that may sign {meaning.code!r}"
            + (f" as {wanted!r}" if wanted else ""),
            advice=f"It takes {' or '.join(roles) or 'a role'}.",
        )
    if len(fit) > 1:
        raise SchemaViolation(f"you hold several roles that may sign this: {', '.join(fit)}", advice="Name one.")
    return fit[0]
