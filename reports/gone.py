"""What a package says of records in its scope that were disposed of, held against the disposals' own entries."""

from collections.abc import Iterator, Mapping
from typing import Any

from ledger.core.errors import LedgerError
from ledger.core.gone_records import DisposalBody, Gone, GoneItem, RuleBody, gone, require_rules
from ledger.core.hashing import b64
from reports import layout
from reports.checks import Problems
from reports.layout import Description
from reports.runs import Cover
from reports.strictzip import StrictZip
from reports.verdict import Check, Outcome


class Disposed:
    """The disposals of one package: told of their entries, of the records, and asked at the end."""

    def __init__(self, selection: Mapping[str, Any], size: int, number: int, problems: Problems) -> None:
        """`selection` and `size` are the package's; `number` its log's, as disposals name it."""
        self._selection, self._size = selection, size
        self._number = number
        self._problems = problems
        self._found: list[Gone] = []
        self._rules: dict[int, RuleBody] = {}
        self._items: dict[int, GoneItem] = {}

    def enter(self, index: int, body: Any) -> None:
        """Takes a disposal's entry, or a rule's, proven to stand in the system log."""
        if isinstance(body, RuleBody):
            self._rules[index] = body
            return
        assert isinstance(body, DisposalBody)
        found = gone(self._selection, self._number, self._size, index, body)
        if not found:
            self._problems.add(f"entry {index} in {layout.SIGNATURES}", "disposed of nothing in the package's scope")
        self._found += found
        self._items.update((item.index, item) for one in found for item in one.items)

    def record(self, index: int) -> None:
        """A record of the package: it cannot be one that went."""
        if index in self._items:
            self._problems.add(f"entry {index} in {layout.RECORDS}", "is there, and an entry says that it went")

    def finish(self, package: StrictZip, prefix: str, said: Description) -> Iterator[Check]:
        """Holds what the package says of itself against the entries and the runs; then says it."""
        try:
            require_rules(self._found, self._rules)
        except LedgerError as error:
            self._problems.add(layout.SIGNATURES, f"a disposal {error.message}")
        if len(self._items) != said.disposed:
            what = f"holds disposals of {len(self._items)} records in scope where {said.disposed} are said to be gone"
            self._problems.add(layout.SIGNATURES, what)
        cover = Cover(package, prefix)
        for index in sorted(self._items):
            leaf = cover.leaf_hash(index)
            if leaf is not None and b64(leaf) != self._items[index].leaf_hash:
                self._problems.add(layout.RUNS, f"holds another record at entry {index} than the one that went")
        if not said.disposed and not said.disposed_elsewhere:
            return
        yield Check(
            name="Disposed of",
            outcome=Outcome.HOLDS if self._found else Outcome.UNKNOWN,
            says=self._says(),
            not_proven=f"that nothing else of the scope went: {said.disposed_elsewhere} more records of {said.origin} "
            "were disposed of, by the ledger's word, and nothing that is left of them says that they belonged",
        )

    def _says(self) -> str:
        if not self._found:
            return "no record that belonged to the scope for certain was disposed of"
        under = "; ".join(map(_under, self._found))
        return f"{len(self._items)} records of the scope were disposed of: {under}"


def _under(one: Gone) -> str:
    entries = ", ".join(map(str, one.rules))
    rule = f"the rule of entry {entries}" if entries else "the built-in rule"
    return (
        f"{len(one.items)} under entry {one.entry} of the system log ({one.disposal}), kept until {one.until[:10]} by "
        f"{rule} of class {', '.join(one.classes)}"
    )
