"""`trailseal user provider` against a real provider."""

import io
from pathlib import Path

import pytest

from ledger.service import Service
from tests.cli.terminal import trailseal
from tests.support.idp import CLIENT, REDIRECT, SECRET, TOKEN_ACR, Provider
from tests.support.staff import Staff


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = trailseal("init", tmp_path / "ledger", "--origin", "plant.example/provider")
    assert made.code == 0, made.err
    return tmp_path / "ledger"


def test_a_provider_is_agreed_on_shown_and_ended_at_the_terminal(
    folder: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    set_it = ("user", "provider", "set", provider.issuer, "--client-id", CLIENT, "--redirect", REDIRECT)
    done = trailseal(*set_it, "--acr", TOKEN_ACR, "--ask-secret", "--ledger", folder, "--json")
    assert done.code == 0, done.err
    assert (done.json()["issuer"], done.json()["secret"], done.json()["signing_acr"]) == (provider.issuer, True, [])
    assert SECRET not in done.out + done.err
    kept = folder / "keys" / "oidc-client.key"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (f"{SECRET}\n", 0o600)
    shown = trailseal("user", "provider", "show", "--ledger", folder)
    assert provider.issuer in shown.out
    assert "none: nobody signs there" in shown.out
    keys = trailseal("user", "provider", "keys", "--ledger", folder, "--json")
    assert keys.json()["keys_entry"] == done.json()["keys_entry"], "unchanged keys are not entered again"
    service = Service(folder)
    Staff(service).person("anna")
    service.close()
    linked = trailseal("user", "provider", "link", "anna", "subject-of-anna", "--ledger", folder, "--json")
    assert (linked.code, linked.json()["counts"]) == (0, False), linked.err
    again = trailseal("user", "provider", "link", "anna", "other", "--ledger", folder)
    assert (again.code, "linked to another subject" in again.err) == (1, True)
    assert trailseal("verify", "--full", "--ledger", folder).code == 0
    assert trailseal("user", "provider", "retire", "--ledger", folder).code == 0
    gone = trailseal("user", "provider", "show", "--ledger", folder)
    assert (gone.code, "no identity provider" in gone.err) == (1, True)


@pytest.mark.parametrize(
    ("issuer", "redirect", "word"),
    [
        ("http://127.0.0.1:1", REDIRECT, "https"),
        ("https://127.0.0.1:1", REDIRECT, "sign-in service unreachable"),
        ("https://id.plant.example?x=1", REDIRECT, "query"),
        ("https://id.plant.example", "https://ledger.example/elsewhere", "redirect"),
        ("https://id.plant.example", "http://ledger.example/sign-in/provider/callback", "https"),
        ("https://id.plant.example", REDIRECT + "?next=x", "redirect"),
    ],
)
def test_what_cannot_be_a_provider_is_refused_and_nothing_is_entered(
    folder: Path, issuer: str, redirect: str, word: str
) -> None:
    set_it = ("user", "provider", "set", issuer, "--client-id", CLIENT, "--redirect", redirect, "--acr", "x")
    refused = trailseal(*set_it, "--ledger", folder)
    assert (refused.code, word in refused.err) == (1, True), refused.err
    assert trailseal("user", "provider", "show", "--ledger", folder).code == 1
