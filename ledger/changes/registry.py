"""What each kind of configuration is held to before it is proposed, and again before it takes effect."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from ledger.core.errors import SchemaViolation
from ledger.core.kinds import kind_of
from ledger.core.ruling import RuleStated
from ledger.core.workflow import RouteEntry
from ledger.people import definitions
from ledger.people.changeable import CHANGEABLE
from ledger.retention import rules
from ledger.review.life import states, suppressions
from ledger.review.reviews import planning
from ledger.signing import lists, routes
from ledger.sources import changing, maps, parameters
from ledger.sources.overlapping import require_apart
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store


class _Held(NamedTuple):
    """What checks a body by itself, and gives it as it is entered; whether its kind is set in the system log."""

    checked: Callable[[Any], msgspec.Struct]
    system: bool = False


_KINDS: Final[dict[str, _Held]] = {
    "identity": _Held(maps.checked),
    "asset": _Held(maps.checked),
    "calendar": _Held(maps.checked),
    "parameter": _Held(parameters.checked),
    "rule": _Held(states.checked),
    "suppression": _Held(suppressions.checked),
    "mapping": _Held(changing.checked_mapping),
    "source": _Held(changing.checked_source),
    "signing-route": _Held(routes.checked, system=True),
    "signing-list": _Held(lists.checked, system=True),
    "retention-rule": _Held(rules.checked, system=True),
    "role-definition": _Held(definitions.checked, system=True),
    "contributing-list": _Held(planning.checked_list),
    "review-plan": _Held(planning.checked_plan),
}
"""A kind that joins is a line here, and one of `people.changeable`, by which level 2 knows it too."""


def checked(log: int, body: msgspec.Struct) -> msgspec.Struct:
    """The body as it is entered, if it can be configuration of that log; raises SchemaViolation."""
    kind = kind_of(type(body))
    if kind not in CHANGEABLE:
        raise SchemaViolation(f"kind {kind!r} is no configuration", advice=f"Use one of {', '.join(CHANGEABLE)}.")
    held = _KINDS[kind]
    if held.system is not (log == SYSTEM_LOG):
        where = "the system log" if held.system else "a record log"
        raise SchemaViolation(f"kind {kind!r} is set in {where}", advice="Name that log.")
    return held.checked(body)


def require_possible(
    store: Store, connection: Connection, log: int, bodies: Sequence[msgspec.Struct], now_us: int
) -> None:
    """Raises SchemaViolation or Conflict where what stands now has no room for these bodies."""
    require_apart(connection, log, bodies)
    changing.require_registered(connection, log, bodies)
    for body in bodies:
        if isinstance(body, RouteEntry):
            routes.require_possible(store, connection, body, now_us)
        elif isinstance(body, RuleStated):
            states.require_possible(store, connection, log, body)
