"""The ways back from a damage: a restore that verifies, or an epoch that names what is damaged; nothing is repaired.

After a restore the database may be older than the case: then the case is entered again from its folder. An epoch is
begun by two people, and only once a full verification holds that knows what it names.
"""

from typing import Final

import msgspec

from ledger.core.address import Address, LogId
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, IntegrityError, NotFound, SelfApproval
from ledger.core.hashing import b64, unb64
from ledger.findings.incident_kinds import CaseEvent, Cause, Epoch, IncidentCase
from ledger.findings.incident_tables import incident_case
from ledger.integrity.incidents.cases import Case, Cases
from ledger.integrity.incidents.damage import Damage
from ledger.integrity.incidents.epochs import Began, places, read_epochs
from ledger.integrity.incidents.evidence import CASE, read_case
from ledger.integrity.levels import BUILT
from ledger.integrity.verifier import Verifier
from ledger.people.credentials import current
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.trust.signed import SignedState

DAMAGED: Final = frozenset({Cause.VERIFICATION, Cause.PUBLISHER})
"""Causes for which a case needs a way back before it is closed."""
_GOES_ON: Final = (CaseEvent.OPENED, CaseEvent.COMPARED, CaseEvent.PROPOSED)
_BACK: Final = (CaseEvent.RESTORED, CaseEvent.CONTINUED)


class WaysBack:
    """What people do about the cases of one ledger. Safe to use from any number of threads."""

    def __init__(self, cases: Cases, verifier: Verifier, state: SignedState) -> None:
        self._cases = cases
        self._store = cases.store
        self._verifier = verifier
        self._state = state

    def restored(self, case: str, backup: str, reason: str, authority: Authority) -> Case:
        """The way back was a restore: every log is verified in full, and the case says so; returns it as it is now.

        Raises NotFound for no case, Conflict for one that went another way, IntegrityError where something does not
        hold.
        """
        found = self.known(case)
        self._require(found, _GOES_ON)
        reports = [self._verifier.run(log) for log in self._store.logs()]
        failed = next((one for one in reports if not one.holds), None)
        if failed is not None:
            raise IntegrityError(
                f"log {failed.log.name} does not verify: {failed.summary}",
                advice="The case stays open. Restore a copy from before the damage, or go on in a new epoch.",
            )
        verified = tuple(str(Address(one.log.origin, one.index)) for one in reports)
        body = self._event(found, CaseEvent.RESTORED, reason, authority)
        return self._enter(found, msgspec.structs.replace(body, backup=backup, verifications=verified))

    def propose(self, case: str, reason: str, authority: Authority) -> Case:
        """Asks that the log goes on in a new epoch; another person has to want it too. Returns the case.

        Raises IntegrityError, naming what is in the way, where an epoch could not begin.
        """
        found = self.known(case)
        self._require(found, _GOES_ON[:2])
        for log in self._logs(found):
            self._epoch(log, found, reason, authority)
        return self._enter(found, self._event(found, CaseEvent.PROPOSED, reason, authority))

    def proceed(self, case: str, reason: str, authority: Authority) -> Case:
        """The second person: each damaged log goes on in a new epoch, and verifies with it; returns the case.

        Raises SelfApproval for who proposed it, AccessDenied for who is not authenticated, IntegrityError as `propose`.
        """
        found = self.known(case)
        self._require(found, (CaseEvent.PROPOSED,))
        if not authority.authenticated:
            raise AccessDenied("a new epoch takes two people who are known", advice="Sign in, and begin it then.")
        if found.last.authority.actor == authority.actor:
            raise SelfApproval(f"{authority.actor} proposed it", advice="Somebody else has to begin the epoch.")
        addresses = [self._begin(log, found, reason, authority) for log in self._logs(found)]
        reports = [self._verifier.run(log) for log in self._store.logs()]
        failed = next((one for one in reports if not one.holds), None)
        if failed is not None:
            raise IntegrityError(f"log {failed.log.name} does not verify: {failed.summary}")
        body = self._event(found, CaseEvent.CONTINUED, reason, authority)
        verified = tuple(str(Address(one.log.origin, one.index)) for one in reports)
        return self._enter(found, msgspec.structs.replace(body, epoch=", ".join(addresses), verifications=verified))

    def closing(self, case: str, deviation: str, reason: str, authority: Authority) -> Case:
        """Puts a case before quality assurance, whose signature over this entry closes it; returns the case.

        Raises Conflict where a damage has no way back yet.
        """
        found = self.known(case)
        allowed = frozenset((*_BACK, CaseEvent.CLOSING))
        if found.opened.cause not in DAMAGED:
            allowed |= frozenset(_GOES_ON)
        if found.state not in allowed:
            raise Conflict(
                f"case {case} has no way back yet: it is {found.state.value}",
                advice="Restore a backup that verifies, or go on in a new epoch; then close the case.",
            )
        body = self._event(found, CaseEvent.CLOSING, reason, authority)
        return self._enter(found, msgspec.structs.replace(body, deviation=deviation))

    def known(self, case: str) -> Case:
        """A case; one that the database no longer has is entered again from its folder.

        Raises NotFound, IntegrityError where the folder's copy is damaged.
        """
        try:
            return self._cases.get(case)
        except NotFound:
            if "/" in case or case.startswith("."):
                raise
            file = self._cases.folder / case / CASE
            if not file.is_file():
                raise
        kept = read_case(file.parent)
        if kept.case != case or kept.cause not in DAMAGED:
            raise NotFound(
                f"case {case} is in its folder alone, and is of a compromise",
                advice="Two people report and open it again: `trailseal incident open`.",
            )
        first = kept.first_opened or utc_text(int(file.stat().st_mtime * 1e6))
        again = msgspec.structs.replace(kept, first_opened=first)

        def check(transaction: Transaction) -> None:
            if current(transaction.connection, incident_case, case) is not None:
                raise Conflict(f"case {case} was entered again meanwhile", advice="Do it once more.")

        self._store.append(SYSTEM_LOG, Batch([draft(again)], before=check))
        return self._cases.get(case)

    def _begin(self, log: LogId, case: Case, reason: str, authority: Authority) -> str:
        """Enters the epoch of a log, and lets the signer go on from the last checkpoint that holds."""
        with self._store.reading() as connection:
            origins = {one.number: one.origin for one in self._store.logs()}
            epochs = read_epochs(connection, self._store.kinds, origins)
        begun = next((one for one in epochs if one.epoch.case == case.case and one.epoch.origin == log.origin), None)
        if begun is None:
            epoch = self._epoch(log, case, reason, authority)
            index = self._store.append_one(log.number, draft(epoch)).index
            begun = Began(epoch=epoch, address=str(Address(log.origin, index)), logged_us=0)
        epoch = begun.epoch
        if epoch.signed is not None and epoch.proven.root is not None:
            with self._state.held(log.name):
                last = self._state.last(log.name)
                # What it had signed is in the epoch, and in the case's folder.
                if last is not None and last.size == epoch.signed:
                    self._state.remember(log.name, epoch.proven.size, unb64(epoch.proven.root, 32))
        return begun.address

    def _epoch(self, log: LogId, case: Case, reason: str, authority: Authority) -> Epoch:
        """The epoch in which a log could go on now; raises IntegrityError where something else is in the way."""
        with self._store.reading() as connection:
            damage = self._cases.damage(connection, log)
            head = LogReader(connection, log.number).head()
            number = 2 + sum(
                one.epoch.origin == log.origin
                for one in read_epochs(connection, self._store.kinds, {log.number: log.origin})
            )
            signed = self._lost(log, damage)
            epoch = Epoch(
                origin=log.origin,
                number=number,
                case=case.case,
                size=head.size,
                root=b64(head.root()),
                proven=self._cases.last_proven(log, damage),
                damage=places(connection, damage),
                reason=reason,
                authority=authority,
                signed=None if signed is None else signed[0],
                signed_root=None if signed is None else b64(signed[1]),
            )
        now = self._store.clock.now_us()
        wanted = Began(epoch=epoch, address=f"{log.origin}#{head.size}", logged_us=now)
        # What the signer remembers (level 5) is what the epoch gives up.
        levels = tuple(level for level in BUILT if level < 5 or signed is None)
        for one in self._store.logs():
            fault = self._verifier.look(
                one, lambda connection, of: self._cases.known(connection, of, (wanted,)), levels
            )
            if fault is not None:
                raise IntegrityError(
                    f"no epoch can name this: {fault}",
                    advice="An epoch names entries of a record log whose bytes are damaged, or that were lost unseen "
                    "by any witness. For anything else: `trailseal rebuild` (tables), or restore a backup.",
                )
        return epoch

    def _lost(self, log: LogId, damage: Damage) -> tuple[int, bytes] | None:
        """What the signer had signed of a log that was rolled back; raises IntegrityError for what was witnessed."""
        signed = self._cases.signed(log)
        if not damage.lost and damage.rewritten is None:
            return None
        kept = self._cases.cosigned(log)
        if damage.rewritten is not None or signed is None or (kept is not None and kept.size > damage.size):
            raise IntegrityError(
                f"log {log.name} contradicts what was signed or witnessed: no epoch can name that",
                advice="Restore the newest copy: its entries are what was signed. A log never takes another past.",
            )
        return signed.size, signed.root

    def _logs(self, case: Case) -> list[LogId]:
        origins = {one.origin for one in case.opened.affected}
        return [log for log in self._store.logs() if log.origin in origins]

    def _require(self, case: Case, states: tuple[CaseEvent, ...]) -> None:
        if case.state not in states:
            raise Conflict(f"case {case.case} is {case.state.value}", advice="`trailseal incident show` tells its way.")
        if case.opened.cause not in DAMAGED:
            raise Conflict(f"case {case.case} is of a compromise: there is nothing to restore or to name")

    def _event(self, case: Case, event: CaseEvent, reason: str, authority: Authority) -> IncidentCase:
        return IncidentCase(case=case.case, event=event, reason=reason, authority=authority, opening=case.opening)

    def _enter(self, case: Case, body: IncidentCase) -> Case:
        def check(transaction: Transaction) -> None:
            if current(transaction.connection, incident_case, case.case) != case.latest:
                raise Conflict(f"case {case.case} went on meanwhile", advice="Look at it, and decide again.")

        self._store.append(SYSTEM_LOG, Batch([draft(body)], before=check))
        return self._cases.get(case.case)
