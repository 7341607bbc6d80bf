"""What stands beside the signatures of a package: signatures by hand, and the site's letter; judged by the core alone.

A signature by hand is shown as what it is: ink on paper, entered by a person, its scan on file in the ledger. That it
is that person's ink nothing here can tell. The letter by 21 CFR 11.100(c) that was in force when a signature was made
is the last one that the system log held before it; that no later one was left out, a package cannot prove.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from ledger.core.binding import short_fingerprint
from ledger.core.errors import IntegrityError
from ledger.core.hashing import unb64
from ledger.core.paper import Paper, PaperEntry, Papers, PrintSort
from ledger.core.record import OriginalRef
from reports.verdict import Check, Outcome

LETTER: Final = "non-repudiation-letter"
NONE: Final = "no letter by 21 CFR 11.100(c) was on file"


class LetterBody(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="document/1"):
    """A document's entry, as far as it is read here."""

    document: str
    title: str
    dated: str
    original: OriginalRef


class Filed(msgspec.Struct, frozen=True):
    """A file that an entry commits to: what it is, and, of a scan, the address of what the print is of."""

    says: str
    original: OriginalRef
    printed: str | None = None


class Beside:
    """Fed with the package's entries of the system log in order, and with its records as they stand."""

    def __init__(self) -> None:
        self._papers = Papers()
        self._letters: list[tuple[int, LetterBody]] = []
        self._seen: dict[str, bool] = {}
        self._printed: dict[str, list[Paper]] = {}
        self._digests: dict[str, str] = {}
        self._hidden: set[str] = set()

    @property
    def papers(self) -> tuple[Paper, ...]:
        """The handwritten signatures that stand."""
        return tuple(one for one in self._papers.all() if one.withdrawn is None)

    @property
    def wrong(self) -> Iterator[int]:
        """Entries of handwritten signatures of which the package holds another version under the same address."""
        return (one.entered for one in self.papers if self._seen.get(one.body.paper) is False)

    def enter(self, index: int, body: PaperEntry | LetterBody) -> None:
        """Takes the next entry; raises IntegrityError for one that does not hold."""
        if isinstance(body, PaperEntry):
            self._papers.enter(index, body)
            found = self._papers.get(body.paper)
            if found is not None and found.entered == index:
                self._enter(found, body)
        elif body.document != LETTER:
            raise IntegrityError("is of a document that no signature rests on")
        else:
            self._letters.append((index, body))

    def record(self, address: str, leaf_hash: str, hidden: bool = False) -> None:
        """A record of the package as it stands: whether it is the version that was signed by hand; `hidden`: whether
        values of it are not in the package.
        """
        for one in self._printed.get(address, ()):
            if hidden:
                self._hidden.add(address)
            self._seen[one.body.paper] = one.body.printed.digest == leaf_hash

    def signature(self, address: str, digest: str) -> None:
        """Takes an electronic signature, by the digest of its statement: papers on prints of it come after it."""
        self._digests[address] = digest

    def letter_at(self, index: int) -> tuple[int, LetterBody] | None:
        """The letter that was in force when entry `index` of the system log was made."""
        return next((found for found in reversed(self._letters) if found[0] < index), None)

    def letter_words(self, system: str, index: int) -> str:
        """The same in words."""
        found = self.letter_at(index)
        if found is None:
            return NONE
        return f"letter by 21 CFR 11.100(c): “{found[1].title}” of {found[1].dated}, {system}#{found[0]}"

    def files(self, signatures: Iterable[int]) -> dict[int, Filed]:
        """The files that belong to a package with these signatures, by the entries that commit to them: the letter in
        force for each, and the scan of each signature by hand.
        """
        found = {}
        for index, letter in filter(None, map(self.letter_at, signatures)):
            found[index] = Filed(f"letter “{letter.title}” of {letter.dated}", letter.original)
        for one in self.papers:
            if one.body.original is not None:
                says = f"scan of what {one.body.name} signed by hand on {one.body.signed_on}"
                found[one.entered] = Filed(says, one.body.original, one.body.printed.address)
        return dict(sorted(found.items()))

    def hides(self, filed: Filed) -> bool:
        """Whether values of what a scan is a print of are not in the package."""
        return filed.printed in self._hidden

    def checks(self, system: str, signatures: Iterable[int]) -> Iterator[Check]:
        """What is said of the letter, and of each handwritten signature."""
        made = list(signatures)
        without = [index for index in made if self.letter_at(index) is None]
        if made:
            has = f"{len(made) - len(without)} of {len(made)} electronic signatures were made with a letter on file"
            yield Check(
                name="Letter (21 CFR 11.100(c))",
                outcome=Outcome.UNKNOWN if without else Outcome.HOLDS,
                says=f"{has}; of the others {NONE}" if without else has,
                not_proven="that the letter was sent, or that no later one was left out of this package",
            )
        for one in self.papers:
            yield self._paper(system, one)

    def _enter(self, paper: Paper, body: PaperEntry) -> None:
        printed = body.printed
        if printed.sort is PrintSort.ENTRY:
            self._printed.setdefault(printed.address, []).append(paper)
        elif printed.address in self._digests:
            self._seen[body.paper] = self._digests[printed.address] == printed.digest

    def _paper(self, system: str, one: Paper) -> Check:
        body = one.body
        standing = self._seen.get(body.paper)
        version = {
            None: "what it is of is not in this package",
            True: "the version that it is of is in this package, unchanged",
            False: "▲ what is in this package under that address is another version",
        }[standing]
        entered = f"entered by {body.authority.actor}"
        checked = f", compared with the scan by {one.checker}" if one.checker else ", not checked by a second person"
        older = "" if body.printed.replaced_by is None else f"; {body.printed.replaced_by} had taken its place by then"
        return Check(
            name=f"Signature by hand {system}#{one.entered}",
            outcome=Outcome.FAILS if standing is False else Outcome.UNKNOWN,
            says=f"hand-written, scan on file; no electronic signature. {body.name} signed by hand on {body.signed_on} "
            f"on a printout of {body.printed.address} with fingerprint {fingerprint(one)}{older}: “{body.meaning}”; "
            f"{entered}{checked}; {version}",
            not_proven="that the ink is that person's: compare the paper, which is kept at: " + (body.kept_at or ""),
        )


def fingerprint(paper: Paper) -> str:
    """The short fingerprint that the paper bears."""
    return short_fingerprint(unb64(paper.body.printed.digest, 32))
