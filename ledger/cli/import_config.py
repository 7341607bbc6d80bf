"""What `trailseal import` is told: the archive's configuration, and the old system's figures."""

import csv
from pathlib import Path
from typing import NamedTuple

import msgspec

from ledger.cli.source_add import read_config
from ledger.core.errors import ConfigError, NotFound
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.service import RecordLog
from ledger.sources.import_kinds import By, Total


class Given(NamedTuple):
    """The options that configure an archive; None: as it is registered."""

    source: str
    mapping: str | None
    options: dict[str, str]
    title: str | None
    zone: str | None
    owner: str | None
    seal: list[str] | None

    def registered(self, chosen: RecordLog) -> SourceConfig | None:
        """How it is registered; None if it is not. Raises ConfigError for a source that is no archive."""
        try:
            config = chosen.sources.get(self.source)
        except NotFound:
            return None
        if config.type != ARCHIVE:
            raise ConfigError(
                f"source {self.source!r} is of type {config.type}: it is collected live",
                advice="Give the old audit trail an id of its own; name the live source with --continues-in.",
            )
        return config

    def config(self, before: SourceConfig | None, *, mapped: bool = True) -> SourceConfig:
        """The archive's configuration with what is given now; raises ConfigError where it lacks a mapping."""
        from collectors.mapping.templates import mapping_text

        text = before.mapping if before is not None else None
        if self.mapping is not None:
            text = mapping_text(self.mapping)
        if text is None and mapped:
            raise ConfigError(
                "no mapping says what the rows mean", advice="Give --mapping; a dry run without one shows the columns."
            )
        usual = before or SourceConfig(id=self.source, type=ARCHIVE, title=self.source)
        return read_config(
            id=self.source,
            type=ARCHIVE,
            title=self.title or usual.title,
            options={**usual.options, **self.options},
            zone=self.zone or usual.zone,
            owner=self.owner or usual.owner,
            mapping=text,
            seal=usual.seal if self.seal is None else tuple(self.seal),
        )


def mapping_name(config: SourceConfig) -> str:
    """The mapping's name and version."""
    from collectors.mapping.model import read_mapping

    mapping = read_mapping(config.mapping or "")
    return f"{mapping.name}@{mapping.version}"


def read_totals(texts: list[str], file: Path | None) -> tuple[Total, ...]:
    """Control totals as options and a CSV file give them; raises ConfigError for what is none, or twice."""
    rows = []
    for text in texts:
        by, _, rest = text.partition(":")
        value, _, number = rest.rpartition("=")
        rows.append((by, value, number))
    if file is not None:
        rows += _totals_of(file)
    found: dict[tuple[str, str], Total] = {}
    for by, value, number in rows:
        if by not in set(By) or not value or not number.strip().isdecimal() or (by, value) in found:
            raise ConfigError(
                f"{by}:{value}={number} is no control total, or there is another of it",
                advice=f"Write BY:VALUE=N, such as year:2011=1204; BY is one of {', '.join(By)}.",
            )
        found[by, value] = Total(by=By(by), value=value, records=int(number))
    return msgspec.convert(list(found.values()), tuple[Total, ...])


def _totals_of(file: Path) -> list[tuple[str, str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened_file:
            rows = list(csv.DictReader(opened_file))
        return [(row["by"].strip(), row["value"], row["records"].strip()) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, AttributeError):
        raise ConfigError(
            f"{file} holds no control totals", advice="It is CSV in UTF-8 with the columns by, value, records."
        ) from None
