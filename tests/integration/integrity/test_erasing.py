"""Erasures decided again from the log: what does not follow from a request and two approvals is named by level 2."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from ledger.core.entry import draft
from ledger.integrity.kinds import FaultFound
from ledger.privacy.erasure_kinds import ErasureEntry, ErasureEvent
from ledger.privacy.erasures import Erasure
from ledger.store.logs import SYSTEM_LOG
from tests.api.test_erasures import SOME, TRIAL, Site

Change = Callable[[Site, ErasureEntry], ErasureEntry]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "ledger", None, None)
    made.use("sources_without_gmp", [TRIAL])
    yield made
    made.world.close()


def asked(site: Site) -> Erasure:
    return site.erasures.request(site.address(site.trial[1]), "reason", SOME, "asked", site.staff.admin)


def entry(site: Site, one: Erasure, event: ErasureEvent, actor: str) -> ErasureEntry:
    """What who holds the folder can write with a program of their own, in the name of somebody who may approve."""
    return ErasureEntry(
        erasure=one.erasure,
        event=event,
        target=one.target,
        member=one.member,
        ground=one.ground,
        reason="forged",
        authority=site.staff.acting(actor),
        rows=one.rows,
    )


def append(site: Site, body: ErasureEntry) -> None:
    site.world.service.store.append_one(SYSTEM_LOG, draft(body))


def fault(site: Site) -> FaultFound | None:
    report = site.world.service.verifier.run(site.world.service.system, full=True, levels=(1, 2))
    return next((level.fault for level in report.result.levels if level.fault is not None), None)


def test_control_a_request_that_two_approved_holds(site: Site) -> None:
    one = asked(site)
    site.approve(one.erasure, "qa1")
    assert fault(site) is None
    site.approve(one.erasure, "qa2")
    site.erasures.request(site.address(site.erp[1]), "reason", SOME, "refused", site.staff.admin)
    assert fault(site) is None


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([(ErasureEvent.ERASED, "qa1")], "two approvals"),
        ([(ErasureEvent.APPROVED, "qa1"), (ErasureEvent.ERASED, "qa1")], "two approvals"),
        ([(ErasureEvent.APPROVED, "qa1"), (ErasureEvent.APPROVED, "qa1")], "approved it before"),
        (
            [(ErasureEvent.APPROVED, "qa1"), (ErasureEvent.APPROVED, "qa2"), (ErasureEvent.APPROVED, "qa3")],
            "more than twice",
        ),
        (
            [(ErasureEvent.APPROVED, "qa1"), (ErasureEvent.APPROVED, "qa2"), (ErasureEvent.ERASED, "qa3")],
            "two approvals",
        ),
    ],
)
def test_an_erasure_that_two_did_not_approve_is_named(
    site: Site, events: list[tuple[ErasureEvent, str]], said: str
) -> None:
    one = asked(site)
    for event, actor in events:
        append(site, entry(site, one, event, actor))
    found = fault(site)
    assert found is not None
    assert said in found.what


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda site, body: msgspec.structs.replace(body, authority=site.world.root), "nobody who signed in"),
        (lambda site, body: msgspec.structs.replace(body, member="actor.name"), "another value"),
        (lambda site, body: msgspec.structs.replace(body, target=site.address(site.trial[0])), "another value"),
        (lambda site, body: msgspec.structs.replace(body, erasure="0" * 16), "nobody had asked"),
        (lambda site, body: msgspec.structs.replace(body, event=ErasureEvent.REQUESTED), "asked for before"),
    ],
)
def test_an_approval_that_is_none_of_what_was_asked_for_is_named(site: Site, change: Change, said: str) -> None:
    body = entry(site, asked(site), ErasureEvent.APPROVED, "qa1")
    changed = change(site, body)
    if changed.event is ErasureEvent.REQUESTED:
        changed = msgspec.structs.replace(changed, authority=site.staff.admin)
    append(site, changed)
    found = fault(site)
    assert found is not None
    assert said in found.what


def test_who_asked_approves_nothing_and_what_was_refused_stays_so(site: Site) -> None:
    mine = site.erasures.request(site.address(site.trial[1]), "reason", SOME, "asked", site.staff.acting("qa3"))
    append(site, entry(site, mine, ErasureEvent.APPROVED, "qa3"))
    found = fault(site)
    assert found is not None
    # Who may approve and asks holds no right to ask: that request itself is the first thing that is named.
    assert found.index == mine.index


def test_what_was_refused_is_not_approved_afterwards(site: Site) -> None:
    refused = site.erasures.request(site.address(site.erp[1]), "reason", SOME, "refused", site.staff.admin)
    append(site, entry(site, refused, ErasureEvent.APPROVED, "qa1"))
    found = fault(site)
    assert found is not None
    assert "was refused before" in found.what


def test_a_second_approval_of_other_rows_erases_nothing_more(site: Site) -> None:
    one = asked(site)
    site.approve(one.erasure, "qa1")
    append(site, entry(site, one, ErasureEvent.APPROVED, "qa2"))
    more = entry(site, one, ErasureEvent.ERASED, "qa2")
    append(site, msgspec.structs.replace(more, rows=(*more.rows, msgspec.structs.replace(more.rows[0], index=1))))
    found = fault(site)
    assert found is not None
    assert "two approvals" in found.what
