"""From where a right may be used: the site's rules, by network or by enrolled terminal (21 CFR 11.10(h), 11.300(e)).

A scope that no rule names may be used from anywhere. One that rules name may be used where one of them holds: from a
network that it lists, or at a terminal that it lists, in a session that began at that very terminal.
"""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Annotated, Final

import msgspec

from ledger.core.record import Name
from ledger.people import secrets
from ledger.people.terminal_kinds import TerminalId

SIGN: Final = "sign"
"""The act of signing, whatever it is for; other rules name a scope."""


PLACING: Final = ("places", "terminal_test_days")
"""The items of the site's profile that say from where rights may be used."""


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: `scope`, or `sign`, may be used from these networks (CIDR) and at these terminals.

    Administration is bound to no place: else nobody could take a wrong rule back.
    """

    scope: Annotated[str, msgspec.Meta(pattern="^(sign|review|approve|operate|verify|configure|export)$")]
    networks: Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)] = ()
    terminals: Annotated[tuple[TerminalId, ...], msgspec.Meta(max_length=100)] = ()


class AtTerminal(msgspec.Struct, frozen=True, kw_only=True):
    """The terminal that a session began at, while that is in use and tested: its id, and what is kept of its secret."""

    terminal: str
    row: bytes


def allowed_from(
    rules: Iterable[Place], uses: Iterable[str], peer: str, at: AtTerminal | None, shown: str | None
) -> bool:
    """Whether a request from this peer may use all of that. `at`: of the session; `shown`: the browser's own secret."""
    here = at.terminal if at is not None and shown and _shows(at, shown) else None
    named = list(rules)
    for use in uses:
        due = [rule for rule in named if rule.scope == use]
        if due and not any(here in rule.terminals or inside(peer, rule.networks) for rule in due):
            return False
    return True


def held(rules: Iterable[Place], use: str, network: str | None, terminal: str | None) -> bool:
    """Whether an entry that says this network (as refusals are counted) and terminal was made where the rules let it.

    Of an address of IPv6 an entry says its /64 network: a rule that tells addresses in one apart holds for all of it.
    """
    due = [rule for rule in rules if rule.scope == use]
    return not due or any(terminal in rule.terminals or _meets(network, rule.networks) for rule in due)


def _meets(network: str | None, networks: Iterable[str]) -> bool:
    try:
        here = ip_network(network or "")
        known = [ip_network(one, strict=False) for one in networks]
    except ValueError:
        return False
    mapped = getattr(here.network_address, "ipv4_mapped", None)
    return any((here if mapped is None else ip_network(mapped)).overlaps(one) for one in known)


def inside(peer: str, networks: Iterable[str]) -> bool:
    """Whether a peer is in one of these networks; a peer that has no address, or a network that is none, never is."""
    try:
        address = ip_address(peer)
        known = [ip_network(one, strict=False) for one in networks]
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in one for one in known)


def _shows(at: AtTerminal, text: str) -> bool:
    parsed = secrets.parse(text)
    return parsed == (secrets.TERMINAL, at.terminal) and secrets.matches(text, at.row)
