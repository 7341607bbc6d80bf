"""The files beside a package's signatures: each is the one that its entry commits to, or why it is not there is said.

The letter in force for each signature, and the scan of each signature by hand, by the salted commitment that their
entries in the system log hold. Which ones are due follows from the entries, so none can be dropped unseen.
"""

from collections.abc import Mapping

from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import b64, original_commitment, unb64
from ledger.core.vault import MAX_ORIGINAL
from reports import layout
from reports.beside import Beside, Filed
from reports.checks import Problems
from reports.lines import MAX_LINE, CopyLine, CopyState
from reports.reading import lines_of
from reports.strictzip import StrictZip
from reports.verdict import Check, Outcome

_WHY = {
    CopyState.WITHHELD: "withheld, as it shows values that the package withholds",
    CopyState.ERASED: "no longer in the ledger",
    CopyState.LEFT_OUT: f"left out, as a package holds {layout.MAX_COPIES} at most",
}


class Copies:
    """The files of one package, and what is wrong with them; `check` once its records have gone by."""

    def __init__(self, package: StrictZip, prefix: str, problems: Problems) -> None:
        self._package = package
        self._prefix = prefix
        self._problems = problems
        self._states: dict[int, CopyState] = {}

    def check(self, beside: Beside, signatures: list[int], said: int | None) -> list[Check]:
        """Compares the files with what the entries commit to; `said`: of how many the package says that it tells."""
        stored = {name.removeprefix(self._prefix) for name in self._package.members}
        named: set[str] = set()
        due = beside.files(signatures)
        if said is not None:
            for line in lines_of(self._package, self._prefix + layout.COPIES, CopyLine, MAX_LINE):
                named.add(line.file or "")
                filed = due.get(line.index)
                where = line.file or f"entry {line.index} in {layout.COPIES}"
                try:
                    if filed is None or line.index in self._states:
                        raise IntegrityError("is no file that a letter or a signature by hand has, or told twice")
                    self._states[line.index] = line.state
                    self._one(line, filed, beside)
                except LedgerError as error:
                    self._problems.add(where, error.message)
            self._whole(due, said)
        elif layout.COPIES in stored:
            self._problems.add(layout.COPIES, f"is not described by {layout.DESCRIPTION}")
        for name in sorted(name for name in stored - named if layout.is_copy(name)):
            self._problems.add(name, "is no file that an entry commits to")
        return [self._said(due)] if said is not None and due else []

    def _one(self, line: CopyLine, filed: Filed, beside: Beside) -> None:
        if line.state is not CopyState.INCLUDED:
            if line.salt is not None or line.file is not None:
                raise IntegrityError("is said not to be in the package, and is")
            if line.state is CopyState.WITHHELD and not beside.hides(filed):
                raise IntegrityError("is withheld, though the package withholds nothing that it would show")
            return
        if beside.hides(filed):
            raise IntegrityError("shows values that the package says it withholds")
        if line.salt is None or line.file != layout.copy(line.index, filed.original.media_type):
            raise IntegrityError(f"is not told as the file of entry {line.index}")
        data = self._package.read(self._prefix + line.file, MAX_ORIGINAL)
        if b64(original_commitment(unb64(line.salt, 32), data)) != filed.original.commitment:
            raise IntegrityError(f"is not the file that entry {line.index} commits to ({filed.says})")

    def _whole(self, due: Mapping[int, Filed], said: int) -> None:
        for index in sorted(due.keys() - self._states.keys()):
            name = layout.copy(index, due[index].original.media_type)
            self._problems.add(name, f"is not told of: entry {index} commits to it ({due[index].says})")
        if len(self._states) != said:
            self._problems.add(layout.COPIES, f"does not tell of the files that {layout.DESCRIPTION} says")
        states = list(self._states.values())
        if CopyState.LEFT_OUT in states and states.count(CopyState.INCLUDED) < layout.MAX_COPIES:
            self._problems.add(layout.COPIES, "leaves files out for which there is room")

    def _said(self, due: Mapping[int, Filed]) -> Check:
        there = [index for index, state in self._states.items() if state is CopyState.INCLUDED]
        says = f"{len(there)} of {len(due)} letters and scans are in this package, as their entries commit to them"
        for state, why in _WHY.items():
            count = sum(1 for one in self._states.values() if one is state)
            says += f"; {count} {why}" if count else ""
        listed = "; ".join(f"{layout.copy(at, due[at].original.media_type)}: {due[at].says}" for at in there)
        return Check(
            name="Copies of letters and scans",
            outcome=Outcome.FAILS if self._problems else Outcome.HOLDS if len(there) == len(due) else Outcome.UNKNOWN,
            says=f"{says}. {listed}".rstrip(". "),
            not_proven="that a letter was sent, or that the ink on a scan is that person's",
        )
