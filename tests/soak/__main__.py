"""`make soak`: runs every part at full length; a run that was broken off goes on where it stopped.

What `make test` draws from (cases on either database, `tests/support/sampled.py`) is run whole in the part `every-way`.
"""

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.soak.parts import parts
from tests.soak.run import report_of, run
from tests.soak.state import ROOT, State, code_digest, resumed


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the parts, shows a line a step, reports as JSON on the last line; 1 if anything failed or was left out."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="only this part; may be given several times")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report to this file too")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run has done")
    parser.add_argument("--seed", type=int, help="seed of a fresh run; by default a new one each time")
    parser.add_argument("--state", type=Path, default=ROOT / ".soak" / "state.json", help="where the run is kept")
    parser.add_argument("--status", action="store_true", help="report what is done so far, and run nothing")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    options = parser.parse_args(arguments)
    state = None if options.fresh or options.seed is not None else resumed(options.state)
    if state is None:
        state = State(code=code_digest(), seed=options.seed if options.seed is not None else secrets.randbits(31))
    elif state.parts:
        print(f"going on with the run in {options.state}", flush=True)
    every = parts(state.seed)
    if options.list:
        for part in every:
            print(f"{part.name:18} {part.asked} {part.unit} in {len(part.steps)} steps")
        return 0
    unknown = set(options.only or ()) - {part.name for part in every}
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}; --list names them")
    chosen = [part for part in every if not options.only or part.name in options.only]
    print(f"seed {state.seed}", flush=True)
    report = report_of(chosen, state) if options.status else run(chosen, state, options.state)
    encoded = msgspec.json.encode(report)
    if options.report is not None:
        options.report.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
    print(encoded.decode(), flush=True)
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
