"""Which sources are of which classes of systems, at which time."""

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName, System, written
from ledger.core.system_class import SystemClass
from ledger.review.rules.known import Known
from ledger.sources.parameter_kinds import Parameter
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger


def test_a_source_is_what_is_said_of_it_from_then_on_and_once_it_is_registered(sqlite_ledger: Ledger) -> None:
    service = sqlite_ledger.service

    def said(source: str, *classes: SystemClass, since: int | None = None) -> None:
        value = written(System(classes=classes))
        since_text = None if since is None else utc_text(since)
        one = Parameter(name=ParameterName.SYSTEM, source=source, value=value, applies_from=since_text, reason="list",
                        authority=AUTHORITY)  # fmt: skip
        service.record_log().parameters.put(RECORDS, [one])

    sqlite_ledger.register("plant")
    said(SOURCE, SystemClass.ERP)
    said("plant", SystemClass.DCS, SystemClass.HISTORIAN, since=START_US)
    said("not-registered", SystemClass.MES)
    with sqlite_ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
        known = Known(reader.connection, service.store.kinds, service.record_log().parameters, RECORDS, size)
        dcs, erp = (SystemClass.DCS, SystemClass.SCADA), (SystemClass.ERP,)
        assert known.systems(dcs, START_US) == ("plant",)
        assert known.systems(dcs, START_US - 1) == ()
        assert known.systems((*dcs, *erp), START_US) == (SOURCE, "plant")
        assert known.lacking((erp, dcs), START_US) is None
        assert known.lacking((erp, dcs), START_US - 1) == "no-dcs-or-scada"
        assert known.lacking((erp, dcs)) is None, "it is connected at some time"
        assert known.lacking((erp, (SystemClass.MES,))) == "no-mes"
