"""`make bench`: prints a table of ratios; its last line is one flat JSON object of name → number."""

import argparse
import json
import platform
import sys
from collections.abc import Sequence

from tests.bench import (
    agent,
    append,
    collect,
    drivers,
    exports,
    http,
    peers,
    questions,
    sign_in,
    sizes,
    tracing,
    trust,
    verify,
)
from tests.bench.corpus import MIX
from tests.bench.harness import Bench, databases

ENTRIES = 1_000_000
LARGE = 5_000_000
PARTS = (
    "append",
    "http",
    "collect",
    "signin",
    "trust",
    "peers",
    "growth",
    "verify",
    "search",
    "export",
    "trace",
    "agent",
    "drivers",
)
OF_SIZE = {"growth", "verify", "search", "export", "trace"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, on both databases unless told otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--only", action="append", choices=PARTS, help="only these parts")
    parser.add_argument("--driver", action="append", default=[], help="only these source types")
    parser.add_argument(
        "--entries", type=int, default=ENTRIES, help="size of the large ledger (growth, verify, search, trace)"
    )
    parser.add_argument("--large", action="store_true", help=f"a ledger of {LARGE:,} entries")
    options = parser.parse_args(arguments)
    parts = set(options.only or PARTS)
    entries = LARGE if options.large else options.entries
    bench = Bench(results=[], facts=[], failures=[])
    print(f"{platform.python_implementation()} {platform.python_version()}, records: {MIX}", flush=True)
    of_ledgers = parts - {"agent", "drivers"}
    with databases((options.database or ["sqlite", "postgresql"]) if of_ledgers else []) as found:
        for database in found:
            print(database.name, flush=True)
            single = append.measure(bench, database) if parts & {"append", "http"} else 0.0
            if "http" in parts:
                http.measure(bench, database, single)
            if "collect" in parts:
                collect.measure(bench, database)
            if "signin" in parts:
                sign_in.measure(bench, database)
            if "trust" in parts:
                trust.measure(bench, database)
            if "peers" in parts and database.name == "sqlite":
                peers.measure(bench, database)
            if parts & OF_SIZE:
                with database.ledger() as service:
                    if "verify" in parts:
                        sizes.memory(bench, database, service, entries)
                    if "growth" in parts:
                        sizes.appending(bench, database, service, entries)
                    if "verify" in parts:
                        verify.measure(bench, database, service)
                    if "search" in parts:
                        questions.measure(bench, database, service, entries)
                    if "export" in parts:
                        exports.measure(bench, database, service)
                    if "trace" in parts:
                        tracing.measure(bench, database, service, entries)
    if "agent" in parts:
        print("agent", flush=True)
        agent.measure(bench)
    if "drivers" in parts:
        print("drivers", flush=True)
        drivers.measure(bench, options.driver)
    _table(bench)
    print(json.dumps({result.name: result.ratio for result in bench.results}))
    if bench.failures:
        sys.exit(1)


def _table(bench: Bench) -> None:
    print(f"\n{'name':36} {'ratio':>10}  {'wanted':8}  measured")
    for result in bench.results:
        print(f"{result.name:36} {result.ratio:10,.3f}  {result.wanted:8}  {result.says}")
    for name, says in bench.facts:
        print(f"{name:36} {says}")
    for name, why in bench.failures:
        print(f"{name:36} could not be measured: {why}")


if __name__ == "__main__":
    main()
