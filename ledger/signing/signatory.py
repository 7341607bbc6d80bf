"""Who would sign, as the log has them at this moment: account, name, roles and where, and what entitles them."""

import msgspec
from sqlalchemy import Connection

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.errors import NotSignatory
from ledger.people.access import Right, Scope
from ledger.people.credentials import read_account, read_grants, right_of, view
from ledger.people.kinds import AccountSort, AccountState, GrantEntry
from ledger.people.names import opened
from ledger.people.qualifications import accountable, has_identity
from ledger.signing.lists import ACCOUNTABILITY, read_list
from ledger.store.store import Store


class Signatory(msgspec.Struct, frozen=True, kw_only=True):
    """An active person with the rights that are in force."""

    account: str
    name: str
    index: int
    rights: tuple[Right, ...]

    def roles(self, site: str | None) -> tuple[str, ...]:
        """The roles that the person holds at a site (a record log); None: in the ledger's own affairs."""
        held = {
            right.role
            for right in self.rights
            if right.role is not None and (site is None or not right.sites or site in right.sites)
        }
        return tuple(sorted(held))

    def sees(self, site: str | None) -> bool:
        """Whether the person may look at what they would sign; of the ledger's own log also who administers it."""
        if site is None:
            return any({Scope.READ, Scope.ADMIN} & right.scopes for right in self.rights)
        return any(right.allows(Scope.READ, site, None) for right in self.rights)

    def authority(self, connection: Connection, components: tuple[int, ...]) -> Authority:
        """What entitles the person outside of a session: account, the components that were shown, every grant."""
        grants = tuple(right.index for right in self.rights if right.index is not None)
        return view(connection).authority(self.account, True, (self.index, *components, *grants))


def read_signatory(store: Store, connection: Connection, account: str) -> Signatory:
    """The person; raises NotSignatory for who is none, was deactivated, or whose identity nobody verified (R20)."""
    found = read_account(store, connection, account)
    if found is None or found[0].state is not AccountState.ACTIVE or found[0].sort is AccountSort.SERVICE:
        raise NotSignatory(f"{account!r} is no person who can sign", advice="Sign as yourself.")
    body, index = found
    if not has_identity(store, connection, account):
        raise NotSignatory(
            f"nobody has recorded how the identity of {account!r} was verified, or a new check is due",
            advice="Have another person check who you are and record it.",
        )
    name = opened(connection, body, index, "title")
    if not name:
        raise NotSignatory(f"the printed name of {account!r} is not there", advice="Have the account's name set anew.")
    now = store.clock.now_us()
    grants = read_grants(store, connection, account)
    rights = tuple(right_of(grant, at) for grant, at in grants if _in_force(grant, now))
    return Signatory(account=account, name=name, index=index, rights=rights)


def require_accountable(store: Store, connection: Connection, account: str, action: str) -> None:
    """Raises NotSignatory while the person has not signed that they answer for their signatures (R13)."""
    version = read_list(store, connection, ACCOUNTABILITY).version
    if action != ACCOUNTABILITY and not accountable(store, connection, account, version):
        raise NotSignatory(
            f"{account!r} has not signed the accountability statement {version}",
            advice="Sign it first: it is the first signature of each person.",
        )


def _in_force(grant: GrantEntry, now_us: int) -> bool:
    begun = grant.from_at is None or parse_utc(grant.from_at) <= now_us
    return begun and (grant.expires_at is None or parse_utc(grant.expires_at) > now_us)
