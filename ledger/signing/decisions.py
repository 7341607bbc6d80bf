"""Decisions in a request: opened, signed, declined, reassigned, withdrawn; each judged under the head lock.

Whatever a client sends, a decision is entered only if it is in order (`core.progress`) and its actor holds the role at
that moment; an attempt that is not is refused, and entered as such. A decision and its signature go in together.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.authority import Authority
from ledger.core.entry import Draft, draft
from ledger.core.errors import (
    Conflict,
    LedgerError,
    NotSignatory,
    RecordChangedSinceReview,
    SchemaViolation,
    SelfApproval,
)
from ledger.core.progress import Cause, Refusal, signature_refusal
from ledger.core.signature import SignatureEntry
from ledger.core.workflow import DecisionEntry, DecisionEvent, Step
from ledger.signing.content import changes, performers_now, told
from ledger.signing.delegations import lent_to
from ledger.signing.holders import Holders
from ledger.signing.requests import Decided, Running, read_running
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

_ERRORS: Final[dict[Cause, type[LedgerError]]] = {
    Cause.ENDED: Conflict,
    Cause.ORDER: Conflict,
    Cause.SELF: SelfApproval,
    Cause.TWICE: SelfApproval,
    Cause.NOT_NAMED: NotSignatory,
    Cause.UNSEEN: Conflict,
    Cause.FORM: SchemaViolation,
}
_ADVICE: Final = {
    Cause.UNSEEN: "Open each entry of the set, and then sign.",
    Cause.TWICE: "Ask a person who has not signed in this request.",
    Cause.ENDED: "Look at the request: it takes no further decision.",
    Cause.ORDER: "Look at the request: it says what is to be signed next.",
}


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that is made but not entered: its draft, and what has to hold under the head lock for it."""

    draft: Draft
    before: Callable[[Transaction], None] | None = None

    @property
    def entry(self) -> SignatureEntry:
        body = self.draft.body
        if not isinstance(body, SignatureEntry):
            raise SchemaViolation("what was made is no signature")
        return body


class Backing(msgspec.Struct, frozen=True, kw_only=True):
    """What lets somebody sign a step, or why nothing does: the role; for somebody else, delegation and grants."""

    role: str
    refused: Refusal | None = None
    delegation: int | None = None
    rests_on: tuple[int, ...] = ()


class Decisions:
    """What people decide in requests. Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open_items(self, request: str, items: Sequence[int], authority: Authority) -> int:
        """Enters that the actor was shown these entries of the target; returns the decision's index."""
        return self._decide(
            request,
            lambda running, _transaction: _of(
                running, DecisionEvent.OPENED, "opened for review", authority, items=tuple(sorted({*items}))
            ),
        )

    def open_span(self, request: str, first: int, last: int, authority: Authority) -> int:
        """Enters that the actor was shown all entries of the target from `first` to `last`; returns its index."""
        return self._decide(
            request,
            lambda running, _transaction: _of(
                running, DecisionEvent.OPENED, "opened for review", authority, span=(first, last)
            ),
        )

    def sign(self, request: str, step: str, signed: Signed, reason: str, on_behalf_of: str | None = None) -> int:
        """Enters a signature and the decision that it carries, together; returns the decision's index.

        Raises Conflict for a step out of order, SelfApproval for who performed the work or has signed already,
        NotSignatory for who does not hold the role or is not named, and enters the attempt.
        """
        return self._by_signature(DecisionEvent.SIGNED, request, step, signed, reason, on_behalf_of)

    def decline(self, request: str, step: str, signed: Signed, reason: str, on_behalf_of: str | None = None) -> int:
        """Ends the request: the step is declined for a reason, by a signature of that meaning. Raises as `sign`."""
        return self._by_signature(DecisionEvent.DECLINED, request, step, signed, reason, on_behalf_of)

    def reassign(
        self, request: str, step: str, given_from: str | None, given_to: str, reason: str, authority: Authority
    ) -> int:
        """Gives a place in a step to somebody who holds its role, and did not perform the work. Raises as `sign`.

        `given_from`: whose place it was; None: nobody's yet.
        """

        def make(running: Running, transaction: Transaction) -> DecisionEntry:
            found = running.progress.step(step)
            holders = Holders(self._store, transaction.connection, transaction.logged_us)
            if found is not None:
                site = found.step.site or running.request.site
                if not holders.grants(given_to, found.step.role, site):
                    what = f"{given_to} does not hold role {found.step.role!r} there"
                    raise _Refused(Refusal(cause=Cause.NOT_NAMED, what=what))
            return _of(
                running,
                DecisionEvent.REASSIGNED,
                reason,
                authority,
                step=step,
                given_from=given_from,
                given_to=given_to,
            )

        return self._decide(request, make, (DecisionEvent.REASSIGNED, step, authority))

    def withdraw(self, request: str, reason: str, authority: Authority) -> int:
        """Takes a request back that is not completed; only who opened it may. Raises as `sign`."""
        return self._decide(
            request,
            lambda running, _transaction: _of(running, DecisionEvent.WITHDRAWN, reason, authority),
            (DecisionEvent.WITHDRAWN, None, authority),
        )

    def backing(
        self, connection: Connection, running: Running, step: Step, actor: str, other: str | None, now_us: int
    ) -> Backing:
        """What lets `actor` sign a step at that moment, for themselves or for `other`, as far as roles go."""
        holders = Holders(self._store, connection, now_us)
        site = step.site or running.request.site
        for one in (actor, other):
            if one is not None and not holders.grants(one, step.role, site):
                what = f"{one} does not hold role {step.role!r}{'' if site is None else f' at {site}'}"
                return Backing(role=step.role, refused=Refusal(cause=Cause.NOT_NAMED, what=what))
        if other is None:
            return Backing(role=step.role)
        lent = [one for one in lent_to(self._store, connection, actor, now_us) if one.delegation.account == other]
        if not lent:
            what = f"{other} has not let {actor} sign for them now"
            return Backing(role=step.role, refused=Refusal(cause=Cause.NOT_NAMED, what=what))
        rests_on = holders.grants(other, step.role, site)
        return Backing(role=step.role, delegation=lent[-1].entry, rests_on=rests_on)

    def _by_signature(
        self,
        event: DecisionEvent,
        request: str,
        step: str,
        signed: Signed,
        reason: str,
        on_behalf_of: str | None,
    ) -> int:
        authority = signed.entry.authority
        self._require_as_shown(event, request, step, authority, on_behalf_of)

        def make(running: Running, transaction: Transaction) -> DecisionEntry:
            entry = self._answer(
                transaction.connection, running, event, step, reason, authority, on_behalf_of, transaction.logged_us
            )
            found = running.progress.step(step)
            if found is not None:
                wrong = signature_refusal(entry, running.request, found.step, signed.entry.statement, running.address)
                if wrong:
                    raise _Refused(Refusal(cause=Cause.FORM, what=wrong))
            if signed.before is not None:
                signed.before(transaction)
            return entry

        return self._decide(request, make, (event, step, authority), signed)

    def _answer(
        self,
        connection: Connection,
        running: Running,
        event: DecisionEvent,
        step: str,
        reason: str,
        authority: Authority,
        on_behalf_of: str | None,
        at_us: int,
    ) -> DecisionEntry:
        """The decision by which the actor answers a step, still without a signature; raises where no role backs it."""
        found = running.progress.step(step)
        backing = None
        if found is not None:
            backing = self.backing(connection, running, found.step, authority.actor, on_behalf_of, at_us)
        entry = _of(
            running,
            event,
            reason,
            authority,
            step=step,
            role=None if backing is None else backing.role,
            on_behalf_of=on_behalf_of,
            delegation=None if backing is None else backing.delegation,
            rests_on=() if backing is None else backing.rests_on,
            signature=0,
        )
        if backing is not None and backing.refused is not None:
            # What is out of order anyway is said first: it tells more.
            alone = _with_state(running, msgspec.structs.replace(entry, delegation=None, on_behalf_of=None))
            order = running.progress.refusal(alone, at_us)
            raise _Refused(order if order and order.cause is not Cause.NOT_NAMED else backing.refused)
        return entry

    def why_not(
        self, connection: Connection, running: Running, step: str, authority: Authority, on_behalf_of: str | None = None
    ) -> str:
        """Why the actor cannot sign a step now; empty where nothing stands against it. Enters nothing."""
        now_us = self._store.clock.now_us()
        try:
            entry = self._answer(
                connection, running, DecisionEvent.SIGNED, step, "would sign", authority, on_behalf_of, now_us
            )
        except _Refused as refused:
            return refused.refusal.what
        wrong = running.progress.refusal(_with_state(running, entry), now_us)
        return "" if wrong is None else wrong.what

    def require(
        self,
        event: DecisionEvent,
        request: str,
        step: str,
        acting: Authority,
        on_behalf_of: str | None,
        asking: Authority,
    ) -> int | None:
        """Raises, and enters the attempt, where `acting` could not sign or decline a step now; returns the delegation.

        `asking`: on whose authority it is entered.
        """
        now_us = self._store.clock.now_us()
        with self._store.reading() as connection:
            running = read_running(self._store, connection, request)
            try:
                entry = self._answer(connection, running, event, step, "would sign", acting, on_behalf_of, now_us)
                wrong = running.progress.refusal(_with_state(running, entry), now_us)
                if wrong is None:
                    return entry.delegation
            except _Refused as refused:
                wrong = refused.refusal
        self.refuse(request, event, step, asking, wrong.what)
        raise _ERRORS[wrong.cause](wrong.what, advice=_ADVICE.get(wrong.cause)) from None

    def _require_as_shown(
        self, event: DecisionEvent, request: str, step: str, authority: Authority, on_behalf_of: str | None
    ) -> None:
        """Raises where the content has changed since, or the map says by now that the signer performed the work."""
        with self._store.reading() as connection:
            running = read_running(self._store, connection, request)
            changed = changes(self._store, connection, running.request)
            late = performers_now(self._store, connection, running.request).names
        if changed and event is DecisionEvent.SIGNED:
            what = f"what is to be signed has changed since the request was opened: {told(changed[0])}"
            self.refuse(request, event, step, authority, what)
            raise RecordChangedSinceReview(what)
        own = next((one for one in (authority.actor, on_behalf_of) if one in late), None)
        if own is not None and not running.progress.performed(own):
            what = f"{own} performed the work, as the identity map has it by now"
            self.refuse(request, event, step, authority, what)
            raise SelfApproval(what)

    def _decide(
        self,
        request: str,
        make: Callable[[Running, Transaction], DecisionEntry],
        tried: tuple[DecisionEvent, str | None, Authority] | None = None,
        signed: Signed | None = None,
    ) -> int:
        """Enters the decision that `make` gives, if it is in order under the head lock; else enters the attempt."""
        made: list[DecisionEntry] = []

        def check(transaction: Transaction) -> None:
            past: list[Decided] = transaction.scratch.setdefault(("request", request), [])
            running = read_running(self._store, transaction.connection, request, past)
            entry = make(running, transaction)
            wrong = running.progress.refusal(_with_state(running, entry), transaction.logged_us)
            if wrong is not None:
                raise _Refused(wrong)
            made[:] = [_with_state(running, entry)]
            past.append(Decided(entry=-1, at_us=transaction.logged_us, decision=made[0]))

        def enter(_transaction: Transaction, placed: Sequence[Placed]) -> Sequence[Draft]:
            entry = made[0]
            return [draft(entry if not placed else msgspec.structs.replace(entry, signature=placed[0].index))]

        drafts = [] if signed is None else [signed.draft]
        try:
            return self._store.append(SYSTEM_LOG, Batch(drafts, closing=enter, before=check))[-1].index
        except _Refused as refused:
            cause, what = refused.refusal.cause, refused.refusal.what
            if tried is not None:
                self.refuse(request, *tried, what)
            raise _ERRORS[cause](what, advice=_ADVICE.get(cause)) from None

    def refuse(self, request: str, tried: DecisionEvent, step: str | None, authority: Authority, what: str) -> None:
        """Enters that somebody tried what the route does not allow."""
        with self._store.reading() as connection:
            running = read_running(self._store, connection, request)
        known = running.progress.step(step) is not None
        entry = _of(running, DecisionEvent.REFUSED, what, authority, step=step if known else None, tried=tried)
        self._store.append_one(SYSTEM_LOG, draft(entry))


class _Refused(LedgerError):
    """Inside this module only: why a decision is not entered."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.what)
        self.refusal = refusal


def _of(running: Running, event: DecisionEvent, reason: str, authority: Authority, **more: object) -> DecisionEntry:
    entry = DecisionEntry(
        request=running.request.request,
        opened=running.entry,
        event=event,
        reason=reason,
        authority=authority,
        **more,  # type: ignore[arg-type]
    )
    try:
        return msgspec.convert(msgspec.to_builtins(entry), DecisionEntry)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"the decision cannot be so: {error}") from None


def _with_state(running: Running, entry: DecisionEntry) -> DecisionEntry:
    return msgspec.structs.replace(entry, state=running.progress.next_state(entry))
