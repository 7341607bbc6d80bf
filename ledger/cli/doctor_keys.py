"""What `trailseal doctor` says of the keys: their protection, and that each serves its one purpose."""

from collections.abc import Iterator

from sqlalchemy import select

from ledger.cli.finding import Finding
from ledger.core.errors import LedgerError
from ledger.core.note import Verifier
from ledger.service import Service
from ledger.trust.agent_ca import AgentCa
from ledger.trust.digest_life import entered
from ledger.trust.kinds import KeyPurpose
from ledger.trust.providers.options import ProviderName
from ledger.trust.tables import key_event


def key_findings(service: Service) -> Iterator[Finding]:
    """Each thing that was looked at."""
    yield _protection(service)
    yield from (one for one in (_passphrases(service),) if one is not None)
    yield from (one for one in (_module(service),) if one is not None)
    yield _digest(service)
    yield _purposes(service)
    yield from _agents(service)


def _protection(service: Service) -> Finding:
    problems = service.keys.problems()
    kept = service.keys.options.secrets
    says = "the sealed key file can be read by its owner only"
    if kept is not ProviderName.SEALED:
        says = "key files can be read by their owner only"
    return Finding(
        name="keys",
        ok=not problems,
        says="; ".join(problems) or says,
        advice="Do as said; keys are worth the ledger.",
    )


def _passphrases(service: Service) -> Finding | None:
    """Whether what opens the logs' keys is another passphrase than what opens all else."""
    options, ledger = service.keys.options, service.folder
    if not options.seals or options.provider is ProviderName.PKCS11:
        return None
    ok, advice = (
        True,
        "Let the signer have its own: `trailseal key seal --signer-passphrase-file`, and `trailseal signer`.",
    )
    if not options.signer_apart:
        says = "one passphrase opens the logs' keys and all else: a process that serves pages could sign checkpoints"
    elif not service.keys.signs_here:
        place = options.signer_passphrase.place
        says = f"the logs' keys are opened by another one, in {place}, which is not given here, as it should be"
    elif not options.passphrase.given(ledger):
        says = "this process is given the signer's alone"
    else:
        ok = options.passphrase.read(ledger) != options.signer_passphrase.read(ledger)
        says = "the signer has another one" if ok else "the signer's passphrase is the one that opens all else"
        advice = "Seal the logs' keys under another one: `trailseal key seal --signer-passphrase-file`."
    return Finding(name="passphrases", ok=ok, says=says, advice=advice)


def _module(service: Service) -> Finding | None:
    options = service.keys.options
    if options.pkcs11 is None or options.provider is not ProviderName.PKCS11:
        return None
    # Imported here: who has no security module need not have the library that speaks to one.
    from ledger.trust.providers.pkcs11 import TokenKeys

    try:
        service.keys.provider.key(f"{service.system.name}.log")
    except LedgerError as error:
        return Finding(name="security module", ok=False, says=error.message, advice=error.advice)
    provider = service.keys.provider
    outside = provider.outside() if isinstance(provider, TokenKeys) else []
    return Finding(
        name="security module",
        ok=not any(name.endswith(".log") for name in outside),
        says=f"the token {options.pkcs11.token!r} signs; what is no Ed25519 key is kept by the provider "
        f"{options.pkcs11.secrets}" + (f"; keys that sign from there too: {', '.join(outside)}" if outside else ""),
        advice="They were made before, or elsewhere: rotate a log's key to one that the module makes (`trailseal key "
        "prepare-next --in-token`); the others stay where they are.",
    )


def _digest(service: Service) -> Finding:
    """Where the log names another secret, another copy of the keys is in use somewhere: records would be doubled."""
    with service.store.reading() as connection:
        named = entered(connection)
    held = service.keys.digests().keys
    missing = [key for key in named if key not in held]
    if missing:
        says = f"the log names digest secrets that are not among the keys: {', '.join(missing)}"
        advice = "Put back the keys that go with this ledger: records of their time would not be known again."
    elif held[0] != named[-1]:
        says = f"the digest secret {held[0]} is in use, and no entry names it"
        advice = "A rotation was interrupted: run `trailseal key rotate-digest`, which enters it."
    else:
        says, advice = f"the digest secret {held[0]} is the one that the log names", ""
    return Finding(name="digest secret", ok=not missing and held[0] == named[-1], says=says, advice=advice)


def _purposes(service: Service) -> Finding:
    """Each key at hand is named by its own key event, and none is another one's under a second name."""
    row, problems = key_event.c, []
    with service.store.reading() as connection:
        events = connection.execute(select(row.purpose, row.key)).all()
    named = {(event.purpose, event.key) for event in events}
    seen: dict[bytes, str] = {}
    try:
        for name, purpose, verifier in _at_hand(service):
            public: bytes = verifier.public_key  # type: ignore[attr-defined]
            if public in seen:
                problems.append(f"{name} is the same key as {seen[public]}")
            seen.setdefault(public, name)
            if purpose is not KeyPurpose.LOG and (purpose.value, str(verifier)) not in named:
                problems.append(f"no key event names the key at hand as {name}")
    except LedgerError as error:
        return Finding(name="key purposes", ok=False, says=error.message, advice=error.advice)
    return Finding(
        name="key purposes",
        ok=not problems,
        says="; ".join(problems) or f"{len(seen)} keys, each for one purpose",
        advice="Put the right key back: what another key signs, nobody can verify.",
    )


def _agents(service: Service) -> Iterator[Finding]:
    """The certificate authority of the agents, where there is one."""
    authority = AgentCa(service.folder / "keys", service.clock)
    if not authority.file.exists():
        return
    try:
        authority.check()
    except LedgerError as error:
        yield Finding(name="agents' authority", ok=False, says=error.message, advice=error.advice)
        return
    yield Finding(name="agents' authority", ok=True, says="its key and its certificate belong together")


def _at_hand(service: Service) -> Iterator[tuple[str, KeyPurpose, Verifier]]:
    keys = service.keys
    for log in service.logs.values():
        for signer in keys.log_signers(log.name, log.origin) if keys.signs_here else ():
            yield f"the log key of {log.name}", KeyPurpose.LOG, signer.verifier
        report = keys.report_signer(log.name, log.origin).verifier
        yield f"the report key of {log.name}", KeyPurpose.REPORT, report
        if keys.has_receipt_key(log.name):
            receipt = keys.receipt_signer(log.name, log.origin).verifier
            yield f"the receipt key of {log.name}", KeyPurpose.RECEIPT, receipt
    if keys.has_notice_key():
        notice = keys.notice_signer(service.system.origin).verifier
        yield "the key of notices", KeyPurpose.NOTICE, notice
