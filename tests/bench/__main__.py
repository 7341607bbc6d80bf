"""`make bench`: prints a table of ratios; its last line is one flat JSON object of name → number."""

import argparse
import json
import platform
from collections.abc import Sequence

from tests.bench import append, http, proofs, verify
from tests.bench.corpus import MIX
from tests.bench.harness import Bench, databases

ENTRIES = 1_000_000
LARGE = 5_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, on both databases unless told otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--only", action="append", choices=["append", "http", "large"], help="only these parts")
    parser.add_argument("--entries", type=int, default=ENTRIES, help="size of the large ledger")
    parser.add_argument("--large", action="store_true", help=f"a ledger of {LARGE:,} entries")
    options = parser.parse_args(arguments)
    parts = set(options.only or ["append", "http", "large"])
    entries = LARGE if options.large else options.entries
    bench = Bench(results=[], facts=[])
    print(f"{platform.python_implementation()} {platform.python_version()}, records: {MIX}", flush=True)
    with databases(options.database or ["sqlite", "postgresql"]) as found:
        for database in found:
            print(database.name, flush=True)
            single = append.measure(bench, database) if parts & {"append", "http"} else 0.0
            if "http" in parts:
                http.measure(bench, database, single)
            if "large" in parts:
                with database.ledger() as service:
                    proofs.measure(bench, database, service, entries)
                    verify.measure(bench, database, service)
    _table(bench)
    print(json.dumps({result.name: result.ratio for result in bench.results}))


def _table(bench: Bench) -> None:
    print("\nname                           ratio  wanted    measured")
    for result in bench.results:
        print(f"{result.name:28} {result.ratio:7.3f}  {result.wanted:8}  {result.says}")
    for name, says in bench.facts:
        print(f"{name:28} {says}")


if __name__ == "__main__":
    main()
