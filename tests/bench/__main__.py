"""`make bench`: prints a table of ratios; its last line is one flat JSON object of name → number."""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Sequence

from tests.bench import (
    agent,
    append,
    assessing,
    collect,
    drivers,
    exports,
    http,
    peers,
    questions,
    ruling,
    sign_in,
    sizes,
    tracing,
    trust,
    verify,
)
from tests.bench.corpus import MIX
from tests.bench.harness import Bench, Database, databases

ENTRIES = 1_000_000
LARGE = 5_000_000
PARTS = (
    "append",
    "http",
    "collect",
    "signin",
    "trust",
    "assess",
    "peers",
    "growth",
    "verify",
    "search",
    "export",
    "trace",
    "rules",
    "agent",
    "drivers",
)
OF_SIZE = {"growth", "verify", "search", "export", "trace", "rules"}


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
            _of_database(bench, database, parts, entries)
    if "agent" in parts:
        print("agent", flush=True)
        with bench.part("agent"):
            agent.measure(bench)
    if "drivers" in parts:
        print("drivers", flush=True)
        with bench.part("drivers"):
            drivers.measure(bench, options.driver)
    _table(bench)
    print(json.dumps({result.name: result.ratio for result in bench.results}))
    if bench.failures:
        sys.exit(1)


def _of_database(bench: Bench, database: Database, parts: set[str], entries: int) -> None:
    single = 0.0
    if parts & {"append", "http"}:
        with bench.part(f"append, {database.name}"):
            single = append.measure(bench, database)
    small: dict[str, Callable[[], object]] = {
        "http": lambda: http.measure(bench, database, single),
        "collect": lambda: collect.measure(bench, database),
        "signin": lambda: sign_in.measure(bench, database),
        "trust": lambda: trust.measure(bench, database),
        "assess": lambda: assessing.measure(bench, database),
    }
    if database.name == "sqlite":
        small["peers"] = lambda: peers.measure(bench, database)
    _each(bench, database, parts, small)
    if not parts & OF_SIZE:
        return
    with database.ledger() as service:
        if "verify" in parts:
            with bench.part(f"memory, {database.name}"):
                sizes.memory(bench, database, service, entries)
        large: dict[str, Callable[[], object]] = {
            "growth": lambda: sizes.appending(bench, database, service, entries),
            "verify": lambda: verify.measure(bench, database, service),
            "search": lambda: questions.measure(bench, database, service, entries),
            "export": lambda: exports.measure(bench, database, service),
            "trace": lambda: tracing.measure(bench, database, service, entries),
            "rules": lambda: ruling.measure(bench, database, service, entries),
        }
        _each(bench, database, parts, large)


def _each(bench: Bench, database: Database, parts: set[str], works: dict[str, Callable[[], object]]) -> None:
    for name, work in works.items():
        if name in parts:
            with bench.part(f"{name}, {database.name}"):
                work()


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
