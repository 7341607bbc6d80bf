"""A signature made elsewhere, from the authority that two administrators let in to the verdict of level 4."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ledger import packages
from ledger.core.entry import draft
from ledger.core.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    LedgerError,
    NotFound,
    NotSignatory,
    SchemaViolation,
)
from ledger.core.external import brought
from ledger.core.passkey import b64url
from ledger.core.signature import ExternalProof, Mode, SignatureEntry
from ledger.integrity.level4 import signatures_fault
from ledger.people.roles import Role
from ledger.signing.history import read_history
from ledger.signing.looking import look
from ledger.signing.signatures import Completed, ToSign
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from reports.verdict import ExitCode, Outcome
from reports.verify import verify_package
from tests.support.founded import APPROVER, founded
from tests.support.outside import DAY, NOW, Holder, Outside
from tests.support.revocations import crl, response, within
from tests.support.signers import Signer

BEHIND_S = -15 * 60.0
"""The ledger's clock begins behind this machine's, as time passes in it with every code of a device."""


class Site:
    """People of a plant of whom one signs by a certificate of a trust service."""

    def __init__(self, folder: Path) -> None:
        self.trust = Outside(folder / "trust")
        self.plant = founded(folder / "ledger", APPROVER, ahead_s=BEHIND_S)
        self.second = self.officer("officer2", "Otto Officer")
        self.anna: Signer = self.plant.people["approver1"]
        self.holder: Holder = self.trust.person("Anna Approver", "PNODE-1", qualified=True)
        service = self.plant.service
        modes = ["sealed-key", "passkey", "external"]
        service.people.profiles.set("signing_modes", modes, "as agreed", self.plant.officer.sign_in().authority)
        self._free = iter(self.plant.records(20))

    def officer(self, account: str, name: str) -> Signer:
        made = self.plant.person(account, name, Role.SECURITY_OFFICER, self.plant.officer.sign_in().authority)
        made.sign_in()
        return made

    @property
    def external(self):  # type: ignore[no-untyped-def]
        return self.plant.signing.external

    def now(self, signer: Signer) -> None:
        """The ledger's clock is this machine's, as the device's is that signs elsewhere; the signer has a session."""
        clock = self.plant.clock
        assert clock.ahead_us < 240 * 1_000_000
        clock.ahead_us = max(0, clock.ahead_us)
        try:
            signer.caller  # noqa: B018 - ends where it is over
        except LedgerError:
            signer.sign_in()

    def let_in(self, certificate: bytes) -> str:
        proposed = self.external.propose(certificate, "our trust service", self.plant.officer.caller.authority)
        self.external.confirm(proposed.anchor, "looked at their list", self.second.caller.authority)
        self.plant.publish()
        return str(proposed.anchor)

    def ask(self, signer: Signer, holder: Holder) -> int:
        """The request for a certificate, signed with it."""
        self.now(signer)
        put = self.external.begin(signer.caller, holder.pem, "my certificate")
        cms = holder.sign(self.external.request_bytes(signer.caller, put.id))
        return int(self.external.prove(signer.caller, put.id, cms, holder.chain))

    def bind(self, signer: Signer, holder: Holder) -> str:
        """The same, vouched for by two others, under a checkpoint."""
        self.ask(signer, holder)
        known = self.plant.signing.bindings.all(signer.account)[-1]
        before, signer.key_id = signer.key_id, known.key_id
        for voucher in (self.plant.officer, self.plant.quality):
            voucher.sign_in()
            voucher.vouch(signer)
        signer.key_id = before
        self.plant.publish()
        return str(known.key_id)

    def prepare(self, *entries: int, **more: object) -> ToSign:
        return self.anna.prepare(*(entries or (next(self._free),)), mode=Mode.EXTERNAL, **more)

    def data(self, put: ToSign) -> bytes:
        return self.plant.signing.signatures.exported(put.id)

    def complete(self, put: ToSign, cms: bytes, certificates: bytes = b"", *beside: bytes) -> Completed:
        return self.anna.complete(put, proof=brought(cms, certificates or self.holder.chain, beside))

    def fault(self) -> str:
        with self.plant.service.store.reading() as connection:
            found = signatures_fault(connection, self.plant.service.store.kinds, lambda _: None)
        return "" if found is None else found.what


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("external"))
    made.let_in(made.trust.root)
    made.anna.sign_in()
    made.bind(made.anna, made.holder)
    yield made
    made.plant.close()


@pytest.fixture(autouse=True)
def at_work(site: Site) -> None:
    site.now(site.anna)


@pytest.mark.requirement("R54")
def test_a_signature_made_elsewhere_is_taken_shown_and_judged(site: Site) -> None:
    put = site.prepare()
    assert put.needed[-1] == "external-certificate"
    done = site.complete(put, site.holder.sign(site.data(put)))
    with site.plant.service.store.reading() as connection:
        found = look(site.plant.service.store, connection, done.index)
    assert (found.valid, found.wrong, found.mode) == (True, "", Mode.EXTERNAL)
    words = found.shown.class_text
    assert "The certificate claims to be qualified; Trailseal has not asked the trusted list." in words
    assert "CN=Anna Approver" in words
    assert site.fault() == ""


@pytest.mark.requirement("R54")
def test_whether_the_certificate_was_revoked_is_told_by_what_came_with_it_and_kept(site: Site, tmp_path: Path) -> None:
    """On the signature's page and in a package alike; one that was revoked signs nothing, and nothing is entered."""
    answered, since = response(site.trust, site.holder.pem), NOW - DAY
    before = site.plant.signatures()
    told = response(site.trust, site.holder.pem, since)
    put = site.prepare()
    with pytest.raises(NotSignatory, match="was revoked on"):
        site.complete(put, within(site.holder.sign(site.data(put)), responses=(told,)))
    for beside in (told, crl(site.trust, {site.holder.pem: since})):
        put = site.prepare()
        with pytest.raises(NotSignatory, match="was revoked on"):
            site.complete(put, site.holder.sign(site.data(put)), b"", beside)
    assert site.plant.signatures() == before
    put = site.prepare()
    done = site.complete(put, site.holder.sign(site.data(put)), b"", answered, crl(site.trust, root=True))
    silent = site.prepare()
    without = site.complete(silent, site.holder.sign(site.data(silent)))
    service = site.plant.service
    with service.store.reading() as connection:
        good, unknown = (look(service.store, connection, one.index).shown.class_text for one in (done, without))
    assert "Anna Approver,C=DE: not revoked by the authority's OCSP response of" in good
    assert "CN=Trust Service Issuing: not revoked by the authority's list of" in good
    assert "not known whether it was revoked" in unknown
    assert site.fault() == ""
    site.plant.publish()
    site.plant.publish()
    out = tmp_path / "evidence.zip"
    packages.issue(service, service.log(), BySearch(query=Query(source="erp")), out, site.plant.root)
    verdict = verify_package(out, [service.vkey(service.log())])
    assert verdict.exit_code is ExitCode.HOLDS, verdict.lines()
    said = {check.name.rpartition("#")[2]: check.says for check in verdict.checks}
    assert "not revoked by the authority's OCSP response of" in said[str(done.index)]
    assert "not known whether it was revoked" in said[str(without.index)]
    altered = msgspec.structs.replace(done.entry.proof, revocation=(b64url(told),))
    forged = msgspec.structs.replace(done.entry, proof=altered)
    with service.store.reading() as connection, pytest.raises(LedgerError, match="was revoked on"):
        read_history(service.store, connection).verify(forged, done.index)


def test_of_a_certificate_that_claims_nothing_no_word_says_qualified_signature_but_the_law_s(site: Site) -> None:
    plain = site.trust.person("Anna Approver", "PNODE-1")
    put = site.prepare()
    done = site.complete(put, plain.sign(site.data(put)))
    with site.plant.service.store.reading() as connection:
        words = look(site.plant.service.store, connection, done.index).shown.class_text
    assert "claims to be qualified" not in words


@pytest.mark.requirement("R18")
def test_what_was_signed_elsewhere_of_another_statement_is_refused(site: Site) -> None:
    other, put = site.prepare(), site.prepare()
    with pytest.raises(NotSignatory, match="over other bytes"):
        site.complete(put, site.holder.sign(site.data(other)))
    changed = site.data(put).replace(b"approve", b"reject_")
    with pytest.raises(NotSignatory, match="over other bytes"):
        site.complete(put, site.holder.sign(changed))


@pytest.mark.requirement("R19")
def test_another_person_s_certificate_does_not_sign_for_the_signer(site: Site) -> None:
    other, put = site.trust.person("Otto Other", "PNODE-7"), site.prepare()
    with pytest.raises(NotSignatory, match=r"by the certificate of .*Otto Other.*: not theirs"):
        site.complete(put, other.sign(site.data(put)))
    namesake = site.trust.person("Anna Approver", "PNODE-8")
    with pytest.raises(NotSignatory, match="not theirs"):
        site.complete(put, namesake.sign(site.data(put)))


def test_a_certificate_that_had_expired_does_not_sign(site: Site) -> None:
    old = site.trust.person("Anna Approver", "PNODE-1", since=NOW - 3 * DAY, until=NOW - datetime.timedelta(hours=2))
    put = site.prepare()
    with pytest.raises(NotSignatory, match="was not valid at"):
        site.complete(put, old.sign(site.data(put)))


def test_an_authority_of_the_same_name_that_nobody_let_in_does_not_count(site: Site, tmp_path: Path) -> None:
    forged = Outside(tmp_path / "forged").person("Anna Approver", "PNODE-1")
    put = site.prepare()
    with pytest.raises(NotSignatory, match="does not chain to a trust anchor"):
        site.complete(put, forged.sign(site.data(put)), forged.chain)


def test_a_signature_that_was_stripped_or_added_to_is_refused(site: Site) -> None:
    put = site.prepare()
    with pytest.raises(NotSignatory, match="no signed attributes"):
        site.complete(put, site.holder.sign(site.data(put), "-noattr", cades=False))
    with pytest.raises(NotSignatory, match="no CAdES-BES"):
        site.complete(put, site.holder.sign(site.data(put), cades=False))
    twice = site.trust.person("Otto Other", "PNODE-7").add(site.holder.sign(site.data(put)), site.data(put))
    with pytest.raises(SchemaViolation, match="2 signers"):
        site.complete(put, twice)


def test_a_key_s_proof_is_no_certificate_s(site: Site) -> None:
    put = site.prepare()
    with pytest.raises(LedgerError, match="was not brought"):
        site.anna.complete(put)


@pytest.mark.requirement("R24")
def test_the_certificate_alone_does_not_sign_outside_of_a_session(site: Site) -> None:
    put = site.prepare()
    assert "second-factor" in put.needed or put.statement.continuity.value == "later"
    cms = site.holder.sign(site.data(put))
    if "second-factor" in put.needed:
        with pytest.raises(LedgerError, match="was not shown"):
            site.plant.signing.signatures.complete(
                put.id, put.digest, msgspec.convert({}, type(site.anna.shown(put))), brought(cms), site.anna.caller
            )


def test_a_signature_is_brought_once(site: Site) -> None:
    put = site.prepare()
    cms = site.holder.sign(site.data(put))
    site.complete(put, cms)
    with pytest.raises(NotFound):
        site.complete(put, cms)


@pytest.mark.requirement("R18")
def test_level_four_names_a_signature_whose_statement_or_proof_was_altered_in_the_ledger(tmp_path: Path) -> None:
    made = Site(tmp_path)
    try:
        made.let_in(made.trust.root)
        made.anna.sign_in()
        made.bind(made.anna, made.holder)
        made.now(made.anna)
        put = made.prepare()
        done = made.complete(put, made.holder.sign(made.data(put)))
        assert made.fault() == ""
        words = msgspec.structs.replace(
            done.entry.statement.meaning, code="witnessed", text="I witnessed what these records say."
        )
        said = msgspec.structs.replace(done.entry.statement, meaning=words, nonce="A" * 43 + "=")
        made.plant.service.store.append_one(SYSTEM_LOG, draft(msgspec.structs.replace(done.entry, statement=said)))
        assert "over other bytes" in made.fault()
        service = made.plant.service
        made.plant.publish()
        made.plant.publish()
        out = tmp_path / "evidence.zip"
        with pytest.raises(IntegrityError, match="over other bytes"):
            packages.issue(service, service.log(), BySearch(query=Query(source="erp")), out, made.plant.root)
    finally:
        made.plant.close()


@pytest.mark.requirement("R25")
def test_nobody_binds_a_certificate_alone(site: Site) -> None:
    """Who asks has to sign with it, and who vouches is neither the person nor the same one twice."""
    rita, mine = site.plant.person("rita", "Rita Reviewer", Role.REVIEWER, site.plant.officer.sign_in().authority), None
    rita.sign_in()
    mine = site.trust.person("Rita Reviewer", "PNODE-5")
    put = site.external.begin(rita.caller, mine.pem, "mine")
    with pytest.raises(SchemaViolation, match="over other bytes"):
        site.external.prove(rita.caller, put.id, mine.sign(b"something else"), mine.chain)
    with pytest.raises(AccessDenied):
        site.external.prove(site.anna.caller, put.id, mine.sign(b"x"), mine.chain)
    theirs = site.external.begin(rita.caller, site.trust.person("Otto Other", "PNODE-7").pem, "not mine")
    with pytest.raises(SchemaViolation, match="not theirs"):
        site.external.prove(
            rita.caller, theirs.id, mine.sign(site.external.request_bytes(rita.caller, theirs.id)), mine.chain
        )
    site.external.prove(rita.caller, put.id, mine.sign(site.external.request_bytes(rita.caller, put.id)), mine.chain)
    rita.key_id = site.plant.signing.bindings.all("rita")[-1].key_id
    with pytest.raises(NotSignatory, match="nobody vouches for their own"):
        rita.vouch(rita)
    site.plant.officer.vouch(rita)
    with pytest.raises(NotSignatory, match="you have vouched"):
        site.plant.officer.vouch(rita)
    assert not site.plant.signing.bindings.all("rita")[-1].signs
    with pytest.raises(Conflict, match="bound already"):
        site.external.begin(site.anna.caller, mine.pem, "mine too")
    assert site.fault() == ""


@pytest.mark.requirement("R25")
def test_no_administrator_alone_lets_an_authority_in(site: Site, tmp_path: Path) -> None:
    own = Outside(tmp_path / "own", "Own Service")
    officer = site.plant.officer
    officer.sign_in()
    proposed = site.external.propose(own.root, "cheaper", officer.caller.authority)
    with pytest.raises(AccessDenied, match="second administrator"):
        site.external.confirm(proposed.anchor, "I say so", officer.caller.authority)
    with pytest.raises(AccessDenied):
        site.external.confirm(proposed.anchor, "from the folder", site.plant.root)
    with pytest.raises(AccessDenied):
        site.external.confirm(proposed.anchor, "no officer", site.anna.caller.authority)
    forged = own.person("Anna Approver", "PNODE-1")
    put = site.prepare()
    with pytest.raises(NotSignatory, match="does not chain"):
        site.complete(put, forged.sign(site.data(put)), forged.chain)
    with pytest.raises(SchemaViolation, match="no certificate of an authority"):
        site.external.propose(site.holder.pem, "a person's", officer.caller.authority)
    with pytest.raises(Conflict):
        site.external.propose(own.root, "again", officer.caller.authority)
    site.external.withdraw(proposed.anchor, "nobody wanted it", officer.caller.authority)
    assert site.fault() == ""


def test_an_external_signature_leaves_in_a_package_and_verifies_offline(site: Site, tmp_path: Path) -> None:
    put = site.prepare()
    site.complete(put, site.holder.sign(site.data(put)))
    service = site.plant.service
    site.plant.publish()
    site.plant.publish()
    out = tmp_path / "evidence.zip"
    packages.issue(service, service.log(), BySearch(query=Query(source="erp")), out, site.plant.root)
    found = verify_package(out, [service.vkey(service.log())])
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    ours = [check for check in found.checks if check.name.startswith("Signature ") and "Anna Approver" in check.says]
    assert ours
    assert all(check.outcome is Outcome.HOLDS for check in ours)
    assert any("Trailseal has not asked the trusted list" in check.says for check in ours)


def test_a_withdrawn_authority_s_certificates_sign_nothing_new_and_what_they_signed_stays_valid(site: Site) -> None:
    """Last of this module: the site's authority goes."""
    put = site.prepare()
    done = site.complete(put, site.holder.sign(site.data(put)))
    later = site.prepare()
    (anchor,) = [one for one in site.external.anchors() if one.state.value == "confirmed"]
    site.external.withdraw(anchor.anchor, "their audit failed", site.plant.officer.sign_in().authority)
    with pytest.raises(NotSignatory, match="no trust anchor was in force"):
        site.complete(later, site.holder.sign(site.data(later)))
    service = site.plant.service
    with service.store.reading() as connection:
        assert look(service.store, connection, done.index).valid
    assert site.fault() == ""
    entry = SignatureEntry(
        statement=msgspec.structs.replace(later.statement),
        proof=brought(site.holder.sign(site.data(later)), site.holder.chain),
        authority=done.entry.authority,
    )
    assert isinstance(entry.proof, ExternalProof)
    service.store.append_one(SYSTEM_LOG, draft(entry))
    assert "no trust anchor was in force" in site.fault()
