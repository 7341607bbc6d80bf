"""What `trailseal import` is told of the old system's figures."""

import csv
from pathlib import Path

import msgspec

from ledger.core.errors import ConfigError
from ledger.sources.import_kinds import By, Total


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
