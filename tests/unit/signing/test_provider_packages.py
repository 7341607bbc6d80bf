"""Signatures by an identity provider's token leave the ledger with what they rest on, and are judged offline.

The tokens are made here, by keys that the ledger entered as the provider's; `tests/integration/identity` has a real
one.
"""

import secrets
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pypdf
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ledger import packages
from ledger.core.address import Address
from ledger.core.clock import parse_utc
from ledger.core.entry import draft
from ledger.core.errors import IntegrityError, SignatureInvalid
from ledger.core.hashing import b64
from ledger.core.oidc_proof import ProviderKey, ProviderKeys, nonce_of
from ledger.core.signature import Mode, ProviderProof, SignatureEntry, Statement
from ledger.people.credentials import read_entry
from ledger.people.oidc import SITE
from ledger.people.oidc_kinds import KeySetEntry
from ledger.present.messages import message
from ledger.signing.looking import look
from ledger.signing.provider_check import provider_verifier
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from reports import layout
from reports.lines import SignedLine, SignedRole, decode_line
from reports.verdict import ExitCode, Outcome, PackageVerdict
from reports.verify import verify_package
from tests.integration.reports.repack import Files, forge
from tests.support.signers import Plant, Signer
from tests.unit.signing.conftest import Site

pytestmark = pytest.mark.sampled

ISSUER, CLIENT, ACR = "https://id.plant.example", "trailseal", "urn:site:hardware"
KEY, NEXT, STRANGE = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("one", "two", "one"))


class There:
    """People who sign by tokens: the reviewer linked herself; the approver's link is there to be misused."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.plant: Plant = site.plant
        self.links = self.plant.service.provider_door.links
        site.plant.officer.sign_in()
        self.keys = self.enter(KEY)
        self.link = {one.account: self.linked(one) for one in (site.reviewer, site.approver)}
        self.plant.publish()

    def address(self, index: int) -> str:
        return str(Address(self.plant.service.system.origin, index))

    def enter(self, key: RSAKey) -> str:
        """Enters the provider's keys; returns the entry's address."""
        public = msgspec.convert(key.as_dict(private=False), ProviderKey)
        held = ProviderKeys(issuer=ISSUER, client_id=CLIENT, claim="sub", keys=(public,), acr=(ACR,))
        body = KeySetEntry(provider=SITE, held=held, reason="fetched", authority=self.plant.officer.caller.authority)
        return self.address(self.plant.service.store.append_one(SYSTEM_LOG, draft(body)).index)

    def linked(self, person: Signer) -> str:
        person.sign_in()
        subject = f"subject of {person.account}"
        made = self.links.link(person.account, ISSUER, subject, "mine", person.caller.authority, shown=True)
        return self.address(made.index)

    def statement(self, person: Signer, **more: Any) -> Statement:
        """What this person would sign at the provider, over a record that nobody signed yet."""
        meaning = "reviewed" if person is self.site.reviewer else "approved"
        said = person.prepare(*self.site.fresh(), meaning=meaning, mode=Mode.SEALED_KEY).statement
        usual: dict[str, Any] = {
            "mode": Mode.PROVIDER,
            "binding": self.link.get(person.account),
            "components": ("identity-provider",),
            "class_text": message("signing.class.provider"),
            "nonce": b64(secrets.token_bytes(32)),
        }
        return msgspec.structs.replace(said, **(usual | more))

    def token(self, said: Statement, key: RSAKey = KEY, **more: Any) -> str:
        made = parse_utc(said.signed_at) // 1_000_000
        good = {
            "iss": ISSUER,
            "aud": CLIENT,
            "sub": f"subject of {said.signer.account}",
            "nonce": nonce_of(said),
            "acr": ACR,
            "auth_time": made + 1,
            "iat": made + 1,
            "exp": made + 300,
        }
        return jwt.encode({"alg": "RS256", "kid": key.kid}, good | more, key, algorithms=["RS256"])

    def sign(self, person: Signer, said: Statement | None = None, token: str = "", **more: Any) -> int:
        """Enters a signature as it stands, without the look that the service takes at it; returns its index."""
        statement = said or self.statement(person)
        proof = ProviderProof(token=token or self.token(statement), keys=more.pop("keys", self.keys))
        body = SignatureEntry(**{"statement": statement, "proof": proof, "authority": person.caller.authority} | more)
        return self.plant.service.store.append_one(SYSTEM_LOG, draft(body)).index

    def issue(self, out: Path) -> Path:
        service = self.plant.service
        packages.issue(service, service.log(), BySearch(query=Query(source="erp")), out, self.plant.root)
        return out

    def verdict(self, path: Path) -> PackageVerdict:
        service = self.plant.service
        return verify_package(path, [service.vkey(service.log())])


def _flipped(token: str) -> str:
    return token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:]


def _late(there: There, said: Statement, by: int) -> str:
    at = parse_utc(said.signed_at) // 1_000_000 + by
    return there.token(said, auth_time=at, iat=at, exp=at + 300)


def _plain(make: Callable[[There, Statement], str]) -> Callable[[There], int]:
    """An attack by another token over a statement that is right."""

    def attack(there: There) -> int:
        said = there.statement(there.site.reviewer)
        return there.sign(there.site.reviewer, said, make(there, said))

    return attack


def _another_s_link(there: There) -> int:
    reviewer, approver = there.site.reviewer, there.site.approver
    said = there.statement(reviewer, binding=there.link[approver.account])
    return there.sign(reviewer, said, there.token(said, sub="subject of approver1"))


def _one_administrator_alone(there: There) -> int:
    person = there.plant.quality
    person.sign_in()
    made = there.links.link(person.account, ISSUER, "mallory", "known", there.plant.officer.sign_in().authority)
    said = there.statement(person, binding=there.address(made.index))
    return there.sign(person, said, there.token(said, sub="mallory"))


def _link_taken_back(there: There) -> int:
    approver = there.site.approver
    (link,) = there.links.list(approver.account)
    there.links.unlink(link.credential, "left", approver.caller.authority)
    return there.sign(approver)


def _entered_by_another(there: There) -> int:
    return there.sign(there.site.reviewer, authority=there.site.approver.caller.authority)


def _on_no_state(there: There) -> int:
    authority = msgspec.structs.replace(there.site.reviewer.caller.authority, system_size=None, system_root=None)
    return there.sign(there.site.reviewer, authority=authority)


def _keys_of_before(there: There) -> int:
    said = there.statement(there.site.reviewer)
    there.enter(NEXT)
    return there.sign(there.site.reviewer, said, there.token(said))


ATTACKS: dict[str, tuple[Callable[[There], int], str]] = {
    "a changed token": (_plain(lambda there, said: _flipped(there.token(said))), "does not verify under"),
    "a key that is not the provider's": (_plain(lambda there, said: there.token(said, STRANGE)), "does not verify"),
    "another statement's nonce": (
        _plain(lambda there, said: there.token(said, nonce=nonce_of(there.statement(there.site.reviewer)))),
        "another statement",
    ),
    "issued before the statement": (_plain(lambda there, said: _late(there, said, -600)), "afresh"),
    "issued too late": (_plain(lambda there, said: _late(there, said, 700)), "too late"),
    "expired": (_plain(lambda there, said: there.token(said, exp=1)), "expired"),
    "another subject": (_plain(lambda there, said: there.token(said, sub="mallory")), "another person"),
    "another client": (_plain(lambda there, said: there.token(said, aud="other")), "another client"),
    "a lesser class": (_plain(lambda there, said: there.token(said, acr="urn:site:password")), "not what the site"),
    "another's link": (_another_s_link, "another account's"),
    "a link that one administrator said": (_one_administrator_alone, "one administrator alone"),
    "entered by another": (_entered_by_another, "was entered by 'approver1'"),
    "on no state of the log": (_on_no_state, "on which state"),
    "a link that was taken back": (_link_taken_back, "the signer's link that it names were not in force"),
    "keys of before": (_keys_of_before, "the provider's keys that it names were not in force"),
}


@pytest.fixture(scope="module")
def there(any_site: Site) -> There:
    return There(any_site)


@pytest.fixture(scope="module")
def good(there: There, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    index = there.sign(there.site.reviewer)
    return there.issue(tmp_path_factory.mktemp("good") / "evidence.zip"), index


@pytest.fixture(scope="module")
def attacked(
    there: There, good: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory
) -> tuple[PackageVerdict, dict[str, int]]:
    """A package with every attack in it, written by a program that does not look at what it writes."""
    there.site.reviewer.sign(*there.site.fresh(), meaning="reviewed")
    indices = {name: attack(there) for name, (attack, _) in ATTACKS.items()}
    out = tmp_path_factory.mktemp("attacked") / "evidence.zip"
    with pytest.raises(IntegrityError, match="does not verify"):
        there.issue(out)
    with pytest.MonkeyPatch.context() as patch:
        whatever = PackageVerdict(exit_code=ExitCode.HOLDS, summary="", checks=(), problems=())
        patch.setattr("reports.package.verify_package", lambda path, vkeys: whatever)
        there.issue(out)
    return there.verdict(out), indices


def of(found: PackageVerdict, index: int) -> Any:
    (check,) = [one for one in found.checks if one.name.startswith("Signature ") and one.name.endswith(f"#{index}")]
    return check


@pytest.mark.requirement("R17", "R18", "R54")
def test_a_signature_by_a_token_is_judged_offline_and_says_what_it_rests_on(
    there: There, good: tuple[Path, int]
) -> None:
    found = there.verdict(good[0])
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    one = of(found, good[1])
    assert one.outcome is Outcome.HOLDS
    assert "Valid; 1 of the 1 entries that it signs" in one.says
    (whole,) = [check for check in found.checks if check.name == "Signatures"]
    assert whole.outcome is Outcome.HOLDS
    assert "1 of 1 by tokens of the site's identity provider" in whole.says
    assert "whoever runs it issued no token in their name" in whole.not_proven
    assert "by keys that chain" not in whole.says


def test_signatures_by_keys_and_by_tokens_are_counted_apart(
    there: There, attacked: tuple[PackageVerdict, dict[str, int]]
) -> None:
    found, indices = attacked
    (whole,) = [check for check in found.checks if check.name == "Signatures"]
    assert whole.outcome is Outcome.FAILS
    tokens = len(indices) + 1
    assert f"2 of {tokens + 1} electronic signatures are valid" in whole.says
    assert f"1 of {tokens} by tokens" in whole.says
    assert "1 of 1 by keys that chain to the first start" in whole.says


def test_the_report_says_what_a_signature_by_a_token_rests_on(there: There, good: tuple[Path, int]) -> None:
    with zipfile.ZipFile(good[0]) as opened:
        (name,) = [one for one in opened.namelist() if one.endswith("report.pdf")]
        with opened.open(name) as file:
            text = "".join("".join(page.extract_text() for page in pypdf.PdfReader(file).pages).split())
    for words in ("Rests on the site's identity provider: whoever controls it", there.keys, there.link["reviewer1"]):
        assert words.replace(" ", "") in text


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("name", ATTACKS)
def test_the_ledger_s_own_look_at_each_signature_finds_the_same(
    there: There, attacked: tuple[PackageVerdict, dict[str, int]], name: str
) -> None:
    index, store = attacked[1][name], there.plant.service.store
    with store.reading() as connection:
        body, logged_us = read_entry(store, connection, index, SignatureEntry)
        with pytest.raises(SignatureInvalid):
            provider_verifier(store.kinds)(connection, body, logged_us)
        assert look(store, connection, index).valid is False


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("name", ATTACKS)
def test_a_signature_that_a_token_does_not_prove_does_not_hold_and_is_named(
    attacked: tuple[PackageVerdict, dict[str, int]], name: str
) -> None:
    found, indices = attacked
    assert found.exit_code is ExitCode.WRONG
    one = of(found, indices[name])
    assert one.outcome is Outcome.FAILS, one
    assert "Not valid" in one.says
    assert ATTACKS[name][1] in one.says
    assert any(f"entry {indices[name]} in" in problem.where for problem in found.problems)


def test_what_was_right_stays_right_beside_what_is_not(
    attacked: tuple[PackageVerdict, dict[str, int]], good: tuple[Path, int]
) -> None:
    """Keys that changed since, and a link that ended since, take nothing from what they signed before."""
    assert of(attacked[0], good[1]).outcome is Outcome.HOLDS


@pytest.mark.parametrize(
    ("role", "what"), [(SignedRole.KEY_SET, "the provider's keys"), (SignedRole.CREDENTIAL, "the signer's link")]
)
def test_without_what_it_rests_on_it_does_not_hold(
    there: There, good: tuple[Path, int], tmp_path: Path, role: SignedRole, what: str
) -> None:
    def cut(files: Files) -> Files:
        lines = files[layout.SIGNATURES].splitlines()
        kept = [line for line in lines if decode_line(line, SignedLine).role is not role]
        assert len(kept) < len(lines)
        return {**files, layout.SIGNATURES: b"\n".join(kept) + b"\n"}

    found = there.verdict(forge(good[0], tmp_path / "cut.zip", cut))
    assert found.exit_code is ExitCode.WRONG
    assert f"where {what} should be, is not there" in of(found, good[1]).says


@pytest.mark.parametrize(
    ("role", "old", "new"),
    [
        (SignedRole.KEY_SET, b'"kid":"one"', b'"kid":"two"'),
        (SignedRole.CREDENTIAL, b"subject of reviewer1", b"subject of mallory11"),
    ],
)
def test_changed_keys_or_links_in_a_package_are_named(
    there: There, good: tuple[Path, int], tmp_path: Path, role: SignedRole, old: bytes, new: bytes
) -> None:
    def change(files: Files) -> Files:
        lines = [
            line.replace(old, new) if decode_line(line, SignedLine).role is role else line
            for line in files[layout.SIGNATURES].splitlines()
        ]
        assert any(new in line for line in lines)
        return {**files, layout.SIGNATURES: b"\n".join(lines) + b"\n"}

    found = there.verdict(forge(good[0], tmp_path / "changed.zip", change))
    assert found.exit_code is ExitCode.WRONG
    assert any("not the one that its leaf commits to" in problem.what for problem in found.problems)
    assert of(found, good[1]).outcome is Outcome.FAILS


def test_a_signature_that_names_another_entry_for_keys_is_in_no_package(there: There, tmp_path: Path) -> None:
    there.sign(there.site.reviewer, keys=there.link["reviewer1"])
    with pytest.raises(IntegrityError, match="does not hold the provider's keys"):
        there.issue(tmp_path / "none.zip")
