"""Instants in the report: site time first, UTC beside it."""

from zoneinfo import ZoneInfo

from ledger.core.clock import parse_utc
from ledger.core.times import Precision, SourceTime
from ledger.present.times import claimed, moment, site_zone


class Zone:
    """The site's zone, and the forms that instants take in it."""

    def __init__(self, name: str) -> None:
        """Raises InvalidEntry for a name that is no zone."""
        self._zone: ZoneInfo = site_zone(name)
        self.name = name
        self.is_utc = name == "UTC"

    def full(self, instant_us: int, precision: Precision = Precision.MILLISECOND) -> str:
        """`2026-11-25 08:10:06.123 CET +01:00 (2026-11-25 07:10:06.123 UTC)`."""
        at = moment(instant_us, self._zone, precision)
        return at.utc if self.is_utc else f"{at.local} {at.zone} ({at.utc})"

    def local(self, instant_us: int) -> str:
        """Site time alone, to the millisecond."""
        return moment(instant_us, self._zone).local

    def claim(self, time: SourceTime) -> tuple[str, str] | None:
        """A source's claim in site time and in UTC, no finer than the source was; None without an instant."""
        at = claimed(time, self._zone)
        return None if at is None else (at.local, at.utc)

    def text(self, utc: str) -> str:
        """An entry's own UTC text in full."""
        return self.full(parse_utc(utc))
