"""What the site of the pages' tests says of its systems and its people: an inventory, and dated maps."""

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.hashing import b64
from ledger.core.record import Action, Actor, ActorKind, Record, Submission, Target
from ledger.core.run import RunBatch
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.core.times import parse_source_time
from ledger.planting import Planting as Work
from ledger.service import Service
from ledger.sources.challenge_kinds import BY_HAND, Challenge, Expected, Planting
from ledger.sources.import_kinds import Expected as OldCount
from ledger.sources.import_kinds import ImportedFile
from ledger.sources.life_kinds import Criticality, SystemListed, Trail
from ledger.sources.map_kinds import AssetMapped, IdentityMapped
from tests.browser.records import HOSTILE

SINCE = utc_text(1_735_689_600_000_000)
"""The beginning of 2025."""
ARCHIVED = "old-lims"
OPEN = f"mes {HOSTILE[0]}"


def describe(service: Service, authority: Authority) -> None:
    """Lists four systems, and says whose two accounts are and where a tag stands."""
    log = service.record_log()
    for system, source, reviewed in (
        ("erp", "erp", None), ("dcs", "dcs", None), ("balance", None, "on paper, each month"), (OPEN, None, None),
    ):  # fmt: skip
        log.systems.put(
            SystemListed(
                system=system,
                title=system,
                system_class="other",
                owner="quality",
                criticality=Criticality.HIGH,
                trail=Trail.ON,
                source=source,
                reviewed=reviewed,
                why=None,
                retired=False,
                reason="inventory",
                authority=authority,
            )
        )
    log.maps.put([_identity("operator1", "P-1042", authority), _place("TIC104.SP", authority)])
    log.maps.put([_identity("operator2", f"P-2 {HOSTILE[0]}", authority)])
    _import(service, authority)
    _challenge(service, authority)
    service.quality.assessments.run(log.log, True, authority)


def _identity(account: str, person: str, authority: Authority) -> IdentityMapped:
    return IdentityMapped(
        source="dcs",
        account=account,
        person=person,
        kind=ActorKind.PERSON,
        valid_from=SINCE,
        valid_to=None,
        reason="list of accounts",
        authority=authority,
    )


def _place(tag: str, authority: Authority) -> AssetMapped:
    return AssetMapped(
        source="dcs",
        tag=tag,
        site="Site A",
        area="Synthesis",
        line="Line 2",
        unit="REACTOR-1",
        equipment=None,
        description="jacket temperature",
        gxp=True,
        valid_from=SINCE,
        valid_to=None,
        reason="drawing",
        authority=authority,
    )


def _import(service: Service, authority: Authority) -> None:
    """Two files of an old trail: one stated to be a true copy, which nobody has signed; of one a row is missing."""
    log = service.record_log()
    log.sources.register(
        SourceConfig(id=ARCHIVED, type=ARCHIVE, title="Old laboratory system", mapping="version = 1"), authority
    )
    for at, (name, expected) in enumerate(((f"trail {HOSTILE[0]}.csv", 2), ("second.csv", 3))):
        file = ImportedFile(name=name, sha256=b64(bytes([at]) * 32), size=4711, stated=at == 0)
        key = log.imports.begin(
            ARCHIVED, file, "old@1", OldCount(rows=expected), "switched off", authority, "dcs"
        ).last.id
        batch = RunBatch(
            source=ARCHIVED,
            started_at=SINCE,
            ended_at=SINCE,
            cursor_from=log.ingest.state(ARCHIVED).cursor,
            cursor_to=str(at),
            submissions=tuple(_row(at * 2 + number) for number in range(2)),
        )
        first = log.ingest.submit(batch, authority).outcomes[0].index
        log.imports.finish(key, "all read", authority)
        if at == 0 and first is not None:
            log.imports.state_true_copy(key, [first], {}, "compared", service.people.local("quality1"))


def _row(number: int) -> Submission:
    record = Record(
        source=ARCHIVED,
        source_record_id=str(number),
        action=Action.UPDATE,
        occurred_at=parse_source_time("2019-03-01T10:00:00+00:00"),
        actor=Actor(account="old1", kind=ActorKind.PERSON),
        object=Target(type="sample", id=f"S-{number}"),
    )
    return Submission(record=record, received_at=SINCE)


def _challenge(service: Service, authority: Authority) -> None:
    """A challenge that a person planted, and of which no record came."""
    log = service.record_log()
    expected = Expected(
        object_type="tag",
        object_id="TEST",
        attribute="Value",
        account=None,
        action=None,
        old=True,
        tolerance_us=1_000_000,
    )
    log.challenges.put(
        Challenge(
            challenge="test-tag",
            source="dcs",
            planting=Planting(by=BY_HAND, options=(), secrets=(), value="challenge {nonce}"),
            expected=expected,
            limit_s=1,
            cron="0 6 * * 1",
            zone="Europe/Berlin",
            every_s=None,
            retired=False,
            reason="each week",
            authority=authority,
        )
    )
    work, now_us = Work(log, service.clock), service.clock.now_us()
    work.planted("test-tag", now_us - 60_000_000, "first", "second", authority)
    list(work.judge("test-tag"))
