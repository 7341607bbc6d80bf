"""Issues an evidence package: from a selection to a sealed file, and the entry that says it left."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import ConfigError, IntegrityError, NotFound
from ledger.core.hashing import b64
from ledger.core.statement import sign_report
from ledger.integrity.incidents.standing import doubted
from ledger.new_log import PRODUCT
from ledger.present.messages import Language
from ledger.review.reviews.packaged import decisions
from ledger.service import Service
from ledger.signing.targets import signs_anything
from ledger.sources.statement import Statement, equivalence
from ledger.store.disposed import count_disposed
from ledger.store.reading import LogReader
from ledger.trace.evidence import gather
from ledger.trace.kinds import PackageIssued
from ledger.trace.selection import ByBatch, Chosen, Selection
from reports.dataset import Asked
from reports.package import Issued, build


def issue(
    service: Service,
    log: LogId,
    selection: Selection,
    out: Path,
    authority: Authority,
    *,
    disclose: bool = False,
    zone: str | None = None,
    reason: str = "",
    language: Language = Language.ENGLISH,
    progress: Callable[[str, int], None] = lambda step, done: None,
) -> Issued:
    """Writes a package of the selection as of a checkpoint of now, and enters that it was issued.

    `disclose`: sealed values are given with it. `zone`: the IANA zone of the report, by default the site's. `reason`:
    why it is asked for, as the report says it in its `language`. Raises NotFound for a batch that no record names, and
    IntegrityError where the evidence does not hold or an open incident case doubts it; there is no package then.
    """
    _require_undoubted(service, log, selection)
    if signs_anything(service.store, log.origin) or _disposed_of_any(service, log):
        # The package proves signatures, and disposals, by the checkpoint of the system log that this log holds.
        service.publisher.bind_system()
    service.publisher.publish(log)

    def seal(payload: Mapping[str, object]) -> bytes:
        return sign_report(log.origin, payload, service.keys.report_key(log.name))

    verification = service.verifier.last(log)
    with gather(service.store, log, selection, verification=verification) as evidence:
        nothing = next(evidence.records(), None) is None and not evidence.gone.found
        if isinstance(selection, ByBatch) and nothing:
            raise NotFound(f"no record names {selection.kind} {selection.id!r}", advice="Look it up with a search.")
        issued = build(
            evidence,
            out,
            seal,
            product=PRODUCT,
            disclose=disclose,
            decided=lambda batches: decisions(evidence.connection, log.number, evidence.size, batches),
            zone=zone or service.settings.zone,
            statements=lambda sources: _statements(service, log, sources),
            asked=Asked(by=authority.actor, authenticated=authority.authenticated, why=reason),
            language=language,
            progress=progress,
        )
    entry = PackageIssued(
        package=issued.package,
        sha256=b64(issued.sha256),
        selection=issued.selection,
        origin=issued.origin,
        size=issued.size,
        records=issued.records,
        disclosed=issued.disclosed,
        authority=authority,
    )
    service.store.append_one(log.number, draft(entry))
    return issued


def _require_undoubted(service: Service, log: LogId, selection: Selection) -> None:
    """Refuses: a package is read where nobody can ask how the case went on, and would say *unknown* for ever."""
    with service.store.reading() as connection:
        standing = service.standings.now(connection)
        if standing.of_log(log.number) is None and not standing.damaged:
            return
        size = LogReader(connection, log.number).head().size
        case = None
        if isinstance(selection, ByBatch):
            case = standing.of_link(log.number, selection.kind.value, selection.id)
        if case is None:
            chosen = Chosen(connection, log.number, size, selection)
            case = doubted(standing, log.number, (one.index for one in chosen))
    if case is not None:
        raise IntegrityError(
            f"what this package would hold is unknown: incident case {case} is open",
            advice=f"`trailseal incident show {case}` tells what is doubted; issue the package once it is closed.",
        )


def _disposed_of_any(service: Service, log: LogId) -> bool:
    with service.store.reading() as connection:
        return count_disposed(connection, log.number) > 0


def _statements(service: Service, log: LogId, sources: Iterable[str]) -> tuple[Statement, ...]:
    """The equivalence statements of the sources that gave records of the selection, as they are in force now."""
    # Imported here: the sources' own libraries take seconds to load; only packages wait for them.
    from collectors.lacks import lacks_of

    chosen = service.record_log(log.name)
    found = []
    for source in sources:
        config = chosen.sources.get(source)
        try:
            lacks = lacks_of(config)
        except ConfigError:
            continue  # of a type that this installation does not know
        challenge, imports = chosen.challenges.last_result(source), chosen.handovers(source)
        found.append(equivalence(config, chosen.lives.standing(source), lacks, challenge, imports))
    return tuple(found)
