"""Every source type there is: a new one is a file of its own and one line here.

Types are imported when they are asked for: the libraries of all of them together take seconds to load.
"""

from collections.abc import Mapping
from importlib import import_module

from collectors.base import Collector
from collectors.secrets import resolve
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.core.structs import make_ready

COLLECTORS: Mapping[str, str] = {
    "b2mml": "collectors.it.b2mml:B2mml",
    "backup": "collectors.infra.backup:Backup",
    "bacnet": "collectors.ot.bacnet:Bacnet",
    "chrony": "collectors.infra.chrony:Chrony",
    "enip": "collectors.ot.enip:Enip",
    "evtx": "collectors.infra.evtx:Evtx",
    "folder": "collectors.infra.folder:Folder",
    "git": "collectors.it.git:GitRepository",
    "kafka": "collectors.infra.kafka:Kafka",
    "ldap-accesslog": "collectors.infra.ldap_accesslog:LdapAccesslog",
    "linux-audit": "collectors.infra.linux_audit:LinuxAudit",
    "modbus": "collectors.ot.modbus:Modbus",
    "mqtt": "collectors.ot.mqtt:Mqtt",
    "nats": "collectors.infra.nats:Nats",
    "odata": "collectors.it.odata:OData",
    "opcua": "collectors.ot.opcua:OpcUa",
    "pg-logical": "collectors.it.pg_logical:PgLogical",
    "rest": "collectors.it.rest:Rest",
    "s7": "collectors.ot.s7:S7",
    "snapshot-files": "collectors.infra.snapshot_files:SnapshotFiles",
    "snapshot-rest": "collectors.it.snapshot_rest:SnapshotRest",
    "snapshot-sql": "collectors.it.snapshot_sql:SnapshotSql",
    "sparkplug": "collectors.ot.sparkplug:Sparkplug",
    "sql": "collectors.it.sql:Sql",
    "syslog": "collectors.infra.syslog:Syslog",
    "tail": "collectors.infra.tail:Tail",
    "tryton": "collectors.it.tryton:Tryton",
}
"""Source type → module and class."""
IMPORTED: Mapping[str, str] = {ARCHIVE: "collectors.archive.archive:Archive"}
"""The same for what is imported once, and never pulled."""


def collector_type(name: str) -> type[Collector]:
    """The collector of a source type; raises ConfigError for an unknown one."""
    try:
        module, _, kind = {**COLLECTORS, **IMPORTED}[name].partition(":")
    except KeyError:
        raise ConfigError(
            f"there is no source type {name!r}", advice=f"Use one of: {', '.join(sorted(COLLECTORS))}."
        ) from None
    found: type[Collector] = getattr(import_module(module), kind)
    make_ready()
    return found


def open_collector(config: SourceConfig, clock: WallClock) -> Collector:
    """A collector for one source, its secrets looked up; raises ConfigError, and reaches for nothing yet."""
    return collector_type(config.type)(config, resolve(config.secrets), clock)
