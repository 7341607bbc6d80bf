"""What the offline verifier answers: one exit code, the checks behind it, and where something is wrong."""

from enum import IntEnum, StrEnum

import msgspec


class ExitCode(IntEnum):
    """The whole answer in one number (security section 1)."""

    HOLDS = 0
    """Everything holds, under a key or policy from outside the package."""
    WRONG = 1
    """Something is wrong; the problems say where."""
    NOT_AUTHENTICATED = 2
    """Consistent with itself, but nothing from outside says whose it is: no key, policy or card of its checkpoint."""


class Outcome(StrEnum):
    """The three states that a check can end in."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNKNOWN = "cannot be judged"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was checked: what was found, and what even a pass does not prove."""

    name: str
    outcome: Outcome
    says: str
    not_proven: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: `where` is the file or entry."""

    where: str
    what: str


class PackageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a package. Facts about it are None where it was not even readable so far."""

    exit_code: ExitCode
    summary: str
    checks: tuple[Check, ...]
    problems: tuple[Problem, ...]
    package: str | None = None
    origin: str | None = None
    size: int | None = None
    root: str | None = None
    records: int | None = None

    def lines(self) -> list[str]:
        """The verdict for a person, a line at a time, the sum of it first."""
        symbols = {Outcome.HOLDS: "●", Outcome.FAILS: "▲", Outcome.UNKNOWN: "○"}
        lines = [self.summary]
        lines += [f"▲ {problem.where}: {problem.what}" for problem in self.problems]
        for check in self.checks:
            lines.append(f"{symbols[check.outcome]} {check.name}: {check.says}")
            if check.not_proven:
                lines.append(f"  Not proven by this: {check.not_proven}")
        return lines
