"""A whole signature at the provider: prepared, shown, authenticated for, entered, judged again, and no other way in."""

from pathlib import Path

import pytest

from ledger import packages
from ledger.core.signature import Continuity, Mode
from ledger.people.oidc_attempts import Answer
from ledger.signing.factors import Shown
from ledger.signing.signatures import Asked
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from reports.verdict import ExitCode, Outcome
from reports.verify import verify_package
from tests.integration.identity.plant import Signing


@pytest.mark.requirement("R22")
@pytest.mark.requirement("R55")
def test_a_person_signs_at_the_provider_and_every_level_holds(signing: Signing) -> None:
    put = signing.prepared(signing.records[0])
    statement = put["statement"]
    assert (statement["mode"], statement["components"]) == ("provider", ["identity-provider"])
    assert "identity provider" in statement["class_text"]
    returned = signing.returned(put)
    done = signing.post(f"provider/statements/{put['id']}/answer", digest=put["digest"], **returned)
    assert done.status_code == 201, done.text
    look = signing.client.get(f"/api/v1/signing/signatures/{done.json()['index']}")
    assert (look.json()["valid"], look.json()["mode"]) == (True, "provider"), look.text
    again = signing.post(f"provider/statements/{put['id']}/answer", digest=put["digest"], **returned)
    assert again.status_code in (403, 404), "what was signed is signed"
    service = signing.plant.service
    signing.plant.publish()
    report = service.verifier.run(service.system, levels=(1, 2, 3, 4))
    assert report.holds, report


@pytest.mark.requirement("R17", "R54")
def test_a_package_proves_a_signature_of_the_real_provider_while_that_is_away(signing: Signing, tmp_path: Path) -> None:
    put = signing.prepared(signing.records[7])
    returned = signing.returned(put)
    done = signing.post(f"provider/statements/{put['id']}/answer", digest=put["digest"], **returned)
    assert done.status_code == 201, done.text
    service, out = signing.plant.service, tmp_path / "evidence.zip"
    signing.provider.stop()
    try:
        packages.issue(service, service.log(), BySearch(query=Query(source="erp")), out, signing.plant.root)
        found = verify_package(out, [service.vkey(service.log())])
    finally:
        signing.provider.start()
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    (one,) = [check for check in found.checks if check.name.endswith(f"#{done.json()['index']}")]
    assert (one.outcome, "Valid; 1 of the 1 entries" in one.says) == (Outcome.HOLDS, True)


def test_from_another_network_it_is_a_signing_alone_and_every_level_holds(signing: Signing) -> None:
    service, caller, there = signing.plant.service, signing.reviewer.caller, "192.0.2.77"
    asked = Asked(
        log="records",
        entries=(signing.records[6],),
        action="record",
        meaning="reviewed",
        reason="routine",
        mode=Mode.PROVIDER,
    )
    put = service.signing.signatures.prepare(caller, asked, there)
    assert put.statement.continuity is Continuity.SINGLE
    begun = service.provider_signing.begin(put.statement)
    answer = Answer(**signing.provider.authenticate(begun.address, "anna"))
    proof = service.provider_signing.complete(put.statement, begun.secret, answer)
    service.signing.signatures.complete(put.id, put.digest, Shown(), proof, caller, there)
    report = service.verifier.run(service.system, levels=(1, 2, 3, 4))
    assert report.holds, report


def test_what_was_not_shown_is_not_signed(signing: Signing) -> None:
    put = signing.prepared(signing.records[1])
    returned = signing.returned(put)
    other = signing.post(f"provider/statements/{put['id']}/answer", digest="A" * 43 + "=", **returned)
    assert other.status_code == 409
    before = signing.plant.service.people.directory.seen().size
    bert = signing.prepared(signing.records[2])
    refused = signing.post(
        f"provider/statements/{bert['id']}/answer", digest=bert["digest"], **signing.returned(bert, "bert")
    )
    assert refused.status_code == 403, refused.text
    assert signing.plant.service.people.directory.seen().size == before, "nothing was entered"


def test_a_session_s_cookie_alone_signs_nothing(signing: Signing) -> None:
    put = signing.prepared(signing.records[3])
    bare = signing.post(f"signing/statements/{put['id']}", digest=put["digest"], shown={})
    assert bare.status_code in (401, 403), bare.text


def test_signing_with_local_components_still_works_while_the_provider_is_away(signing: Signing) -> None:
    """Must show: an outage says so, and the sealed key signs where the profile allows it."""
    signing.provider.stop()
    try:
        asked = {"log": "records", "entries": [signing.records[4]], "action": "record", "meaning": "reviewed"}
        told = signing.post("signing/statements", **asked, reason="routine", mode="provider")
        assert (told.status_code, told.json()["code"]) == (503, "sign_in_unreachable")
        assert told.json()["detail"].startswith("sign-in service unreachable")
        signed = signing.reviewer.sign(signing.records[4], meaning="reviewed", mode=Mode.SEALED_KEY)
        assert signed.entry.statement.mode is Mode.SEALED_KEY
    finally:
        signing.provider.start()
