"""Projectors of the life of sources and of the inventory of systems."""

from collections.abc import Iterable

import msgspec

from ledger.core import canonical
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.sources import tables as t
from ledger.sources.life_kinds import SourceLife, SystemListed
from ledger.sources.systems import standing_of


class LifeProjector:
    """Where each source stands, and what it said of itself last."""

    name = "source-life"
    version = 1
    kinds = frozenset({"source-life"})
    table = t.source_life.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        life: SourceLife = entry.body
        facts = None if life.facts is None else canonical.dumps(msgspec.to_builtins(life.facts)).decode()
        yield Valid(life.source, (life.event.value, life.state.value, facts))


class SystemProjector:
    """Which systems the site has, and how each stands."""

    name = "system"
    version = 1
    kinds = frozenset({"system"})
    table = t.site_system.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: SystemListed = entry.body
        values = (one.criticality.value, one.trail.value, one.source, standing_of(one).value)
        yield Valid(one.system, None if one.retired else values)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return LifeProjector(), SystemProjector()
