"""What the verdict says of where records come from: each import with its figures and its statement, and the sources."""

from collections.abc import Callable, Iterator

from ledger.core.errors import InvalidEntry
from ledger.core.hashing import unb64
from reports.origins import Import, Origins
from reports.verdict import Check, Outcome

_NOT_PROVEN = (
    "that the old system's trail was true or whole: until its import it was that system's alone, and what was changed "
    "in it before cannot be seen"
)


def origin_checks(origins: Origins, signers: Callable[[int], list[str]]) -> Iterator[Check]:
    """What is said of each import that brought records of the package, and of where their sources stood."""
    for one in origins.imports:
        if one.here:
            yield Check(
                name=f"Import {one.body.id}",
                outcome=Outcome.HOLDS if final(origins, one).true_copy is not None else Outcome.UNKNOWN,
                says="; ".join(sentences(origins, one, signers)),
                not_proven=_NOT_PROVEN,
            )
    if origins.lives:
        told = [_life(origins, source) for source in sorted(origins.lives)]
        yield Check(
            name="Sources",
            outcome=Outcome.UNKNOWN if origins.marked else Outcome.HOLDS,
            says="; ".join(told),
            not_proven="that a source told of every change of itself, or that a sample stands for all its records",
        )


def final(origins: Origins, one: Import) -> Import:
    """The import by which that of a file ended: itself, or the last that went on with it."""
    return next((other for other in origins.imports if other.begun == one.goes_on), one)


def sentences(origins: Origins, one: Import, signers: Callable[[int], list[str]]) -> Iterator[str]:
    """An import in words: its file and figures, the statement and who signed it, and what is collected live since."""
    last = final(origins, one)
    file = one.body.file
    yield f"{one.here} records here are imported, not collected live, from {file.name} (SHA-256 {_hex(file.sha256)})"
    if last is not one:
        yield f"it was gone on with at entry {last.begun}"
    yield from _figures(last)
    yield from _statement(last, signers)
    yield from live(last)


def live(one: Import) -> Iterator[str]:
    """From when on another source is collected live in the old system's place."""
    body = one.body
    if body.continues_in is None:
        yield "no source was named that is collected live in its place"
    elif body.live_from is not None:
        yield f"live collection as {body.continues_in} begins at {body.live_from}"
    elif one.first_live is not None:
        yield f"live collection as {body.continues_in} begins with entry {one.first_live[0]}, at {one.first_live[1]}"
    else:
        yield f"live collection as {body.continues_in} has not begun"


def _figures(one: Import) -> Iterator[str]:
    told = None if one.outcome is None else one.outcome.outcome
    if told is None:
        yield "it has not ended"
        return
    counts = told.counts
    yield (
        f"{counts.rows} rows by mapping {one.body.mapping}: {counts.records} records, {counts.duplicates} rows known "
        f"before, {counts.quarantined} kept as they stood, as they are no records"
    )
    yield (
        f"all {told.runs} runs of it are in this package and hold as many"
        if one.recounted
        else f"{one.runs} of its {told.runs} runs are in this package: the figures are those of its entry"
    )
    differ = [f"{one.what}: {one.expected} expected, {one.found} found" for one in told.differences]
    yield f"other than expected: {', '.join(differ)}" if differ else "nothing differs from what the old system counts"


def _statement(one: Import, signers: Callable[[int], list[str]]) -> Iterator[str]:
    stated = one.true_copy
    if stated is None or one.stated is None:
        yield "nobody has stated that it is a true copy"
        return
    who = signers(one.stated)
    signed = f"signed by {', '.join(who)}" if who else "without an electronic signature"
    yield f"true copy stated by {stated.authority.actor} on {len(stated.sample)} records (entry {one.stated}), {signed}"


def _life(origins: Origins, source: str) -> str:
    index, body = origins.lives[source][-1]
    marked = origins.marked.get(source, 0)
    said = f"{source} is {body.state} since entry {index}"
    return f"{said}, and {marked} records here were collected while it was to be validated anew" if marked else said


def _hex(digest: str) -> str:
    try:
        return unb64(digest, 32).hex()
    except InvalidEntry:
        return digest
