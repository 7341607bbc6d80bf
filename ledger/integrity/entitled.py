"""Who was entitled to sign and to vouch, from the system log's entries alone, as of each entry."""

from collections.abc import Collection

import msgspec

from ledger.core.binding import BindingEvent, KeyBindingEntry
from ledger.core.entry import Entry
from ledger.core.errors import SignatureInvalid
from ledger.core.signature import SignatureEntry
from ledger.people.access import Scope
from ledger.people.kinds import GrantEntry, GrantState
from ledger.people.person_kinds import CredentialEntry, QualificationEntry, QualificationSort
from ledger.people.reset_kinds import ResetEntry
from ledger.signing.lists import ACCOUNTABILITY


class Entitled:
    """Fed with the system log's entries in order; raises SignatureInvalid for one that nobody was entitled to."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._grants: dict[int, GrantEntry] = {}
        self._latest: dict[str, GrantEntry] = {}
        self._components: set[str] = set()
        self._reset: dict[str, set[str]] = {}
        self._qualified: dict[str, dict[str, tuple[int, QualificationEntry]]] = {}
        self._answered: dict[str, str] = {}

    def enter(self, entry: Entry, body: msgspec.Struct) -> None:
        """Takes the next entry, of whatever kind."""
        if isinstance(body, GrantEntry):
            self._grants[entry.index] = self._latest[body.grant] = body
        elif isinstance(body, CredentialEntry):
            if body.account in self._components:
                self._reset_by(body.account, body.authority.actor)
            self._components.add(body.account)
        elif isinstance(body, ResetEntry):
            self._reset_by(body.account, body.authority.actor)
        elif isinstance(body, QualificationEntry):
            known = self._qualified.setdefault(body.account, {})
            if body.holds:
                known[body.qualification] = (entry.index, body)
            else:
                known.pop(body.qualification, None)
        elif isinstance(body, KeyBindingEntry):
            self._binding(body)
        elif isinstance(body, SignatureEntry):
            self._signature(entry.index, body)

    def require_scope(self, account: str, scopes: Collection[Scope]) -> None:
        """Raises SignatureInvalid unless a grant of this person's holds one of these scopes now."""
        held = (one for one in self._latest.values() if one.account == account and one.state is GrantState.GRANTED)
        _require(any(set(scopes) & set(one.scopes) for one in held), f"{account!r} was not entitled to sign this")

    def _binding(self, body: KeyBindingEntry) -> None:
        if body.event is BindingEvent.REVOKED:
            self._reset_by(body.account, body.authority.actor)
        if body.statement is not None:
            _require(
                body.statement.identity in self._identities(body.account),
                f"it rests on no check of the identity of {body.account!r} by somebody else",
            )
            _require(body.authority.actor == body.account, "somebody else made this key")
        if body.attestation is not None and body.attestation.account in self._reset.get(body.account, ()):
            raise SignatureInvalid(f"{body.attestation.account!r} reset something of {body.account!r} before")

    def _signature(self, index: int, body: SignatureEntry) -> None:
        said = body.statement
        account = said.signer.account
        held = (self._grants.get(int(address.rpartition("#")[2])) for address in body.authority.entries)
        roles = {one.role.value for one in held if one is not None and one.role is not None and one.account == account}
        _require(said.signer.role in roles, f"no grant that it names gave {account!r} the role {said.signer.role!r}")
        _require(bool(self._identities(account)), f"nobody had verified the identity of {account!r}")
        if said.meaning.code == ACCOUNTABILITY:
            self._answered[f"{self._origin}#{index}"] = account
            return
        answered = any(
            one.sort is QualificationSort.ACCOUNTABILITY and self._answered.get(one.signature or "") == account
            for _, one in self._qualified.get(account, {}).values()
        )
        _require(answered, f"{account!r} had not signed the accountability statement")

    def _identities(self, account: str) -> set[str]:
        return {
            f"{self._origin}#{index}"
            for index, one in self._qualified.get(account, {}).values()
            if one.sort is QualificationSort.IDENTITY and one.authority.actor != account
        }

    def _reset_by(self, account: str, actor: str) -> None:
        if actor != account:
            self._reset.setdefault(account, set()).add(actor)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise SignatureInvalid(what)
