"""Every source type there is: a new one is a file of its own and one line here."""

from collections.abc import Mapping

from collectors.base import Collector
from collectors.it.tryton import Tryton
from collectors.ot.opcua import OpcUa
from collectors.secrets import resolve
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError
from ledger.core.source import SourceConfig

COLLECTORS: Mapping[str, type[Collector]] = {kind.type: kind for kind in (Tryton, OpcUa)}


def collector_type(name: str) -> type[Collector]:
    """The collector of a source type; raises ConfigError for an unknown one."""
    try:
        return COLLECTORS[name]
    except KeyError:
        raise ConfigError(
            f"there is no source type {name!r}", advice=f"Use one of: {', '.join(sorted(COLLECTORS))}."
        ) from None


def open_collector(config: SourceConfig, clock: WallClock) -> Collector:
    """A collector for one source, its secrets looked up; raises ConfigError, and reaches for nothing yet."""
    return collector_type(config.type)(config, resolve(config.secrets), clock)
