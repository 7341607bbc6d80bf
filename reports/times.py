"""Instants in the report: site time first, UTC beside it."""

from zoneinfo import ZoneInfo

from ledger.core.clock import parse_utc
from ledger.core.times import Precision, SourceTime
from ledger.present.times import claimed, in_full, moment, site_zone


class Zone:
    """The site's zone, and the forms that instants take in it."""

    def __init__(self, name: str) -> None:
        """Raises InvalidEntry for a name that is no zone."""
        self.zone: ZoneInfo = site_zone(name)
        self.name = name
        self.is_utc = name == "UTC"

    def full(self, instant_us: int, precision: Precision = Precision.MILLISECOND) -> str:
        """Site time with its zone, and UTC."""
        return in_full(instant_us, self.zone, precision)

    def local(self, instant_us: int) -> str:
        """Site time alone, to the millisecond."""
        return moment(instant_us, self.zone).local

    def claim(self, time: SourceTime) -> tuple[str, str] | None:
        """A source's claim in site time and in UTC, no finer than the source was; None without an instant."""
        at = claimed(time, self.zone)
        return None if at is None else (at.local, at.utc)

    def text(self, utc: str) -> str:
        """An entry's own UTC text in full."""
        return self.full(parse_utc(utc))
