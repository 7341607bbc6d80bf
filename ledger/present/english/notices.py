"""Words of notices, by page, e-mail and webhook."""

MESSAGES = {
    "entry.notice.told": "A notice was due to go {deliveries} ways: {subject}",
    "entry.notice.sent": "A notice went out: {subject}",
    "entry.notice.failed": "A notice could not be delivered: {subject}; {detail}",
    "notice.account-locked": "Account {account} is locked",
    "notice.text.account-locked": "Account {account} was locked after {count} refused components in a row. If this was "
    "not the person itself, somebody may be trying to get in: look at the refusals before you unlock it.",
    "notice.account-unlocked": "Account {account} was unlocked",
    "notice.text.account-unlocked": "Account {account} was unlocked. If you did not ask for that, tell your security "
    "officer at once.",
    "notice.component-changed": "What {account} signs in with was changed",
    "notice.text.component-changed": "A component of account {account} ({sort}) was set or retired. If you did not do "
    "or ask for that, tell your security officer at once.",
    "notice.reset-requested": "Somebody asks to reset {account}",
    "notice.text.reset-requested": "Somebody asks for the components of account {account} to be reset. It takes two "
    "people; if you did not ask for that, tell your security officer at once.",
    "notice.binding-requested": "A signing key of {account} waits to be attested",
    "notice.text.binding-requested": "A new signing key is to be bound to {account}. Two other people attest it, after "
    "an identity check. If this is your account and you did not ask for that, tell your security officer at once.",
    "notice.binding-attested": "A signing key of {account} was attested",
    "notice.text.binding-attested": "A signing key was bound to {account}. If this is your account and you did not "
    "make that key, tell your security officer at once: signatures by it count as yours.",
    "notice.task-assigned": "A task for you: {title}",
    "notice.text.task-assigned": "You were given the task “{title}”, due {due}.",
    "notice.task-due": "Due soon: {title}",
    "notice.text.task-due": "Your task “{title}” is due {due}.",
    "notice.task-overdue": "Overdue: {title}",
    "notice.text.task-overdue": "Your task “{title}” was due {due} and is not done.",
    "notice.task-escalated": "Overdue at {account}: {title}",
    "notice.text.task-escalated": "The task “{title}” of {account} is overdue and was passed on to you.",
    "notice.site-log": "Something is wrong with a watched log",
    "notice.text.site-log": "{detail} Keep what it showed, and ask whoever runs that log.",
    "notice.access-review-due": "An access review is due",
    "notice.text.access-review-due": "The review of everybody’s access is due {due}.",
    "notice.device-test-due": "A device of {account} is to be tested by {due}",
    "notice.text.device-test-due": "The test of {device}, by which {account} is known here, is good until {due}. A "
    "security officer tests it anew and records that.",
    "notice.device-test-overdue": "The test of a device of {account} is overdue",
    "notice.text.device-test-overdue": "The test of {device}, by which {account} is known here, was good until {due}: "
    "it signs nothing until a security officer has tested it and recorded that.",
    "notice.erasure-requested": "An erasure waits for a decision",
    "notice.text.erasure-requested": "Erasure {erasure} of a personal value was asked for. Two people other than who "
    "asked decide on it.",
    "notice.erasure-decided": "Erasure {erasure}: {outcome}",
    "notice.text.erasure-decided": "Erasure {erasure} was decided: {outcome}.",
    "notice.disposal": "Disposal {disposal}: {step}",
    "notice.text.disposal": "The disposal {disposal} of {count} records of log {log} was {step}. Somebody other than "
    "who asked approves it; until the records go, a legal hold keeps them and anybody who approves may withdraw it.",
    "notice.quorum-missing": "A checkpoint lacks its quorum of witnesses",
    "notice.text.quorum-missing": "The checkpoint of {origin} at size {size} was published without its quorum: "
    "{missing}. Until witnesses cosign again, nobody outside could tell that what came since was rewritten. Ask who "
    "operates them.",
    "notice.trust-finding": "A finding about witnesses or clocks",
    "notice.text.trust-finding": "Found: {detail}. Until it is mended, the ledger proves less than it should to those "
    "outside.",
    "notice.incident": "Integrity incident {case}: {step}",
    "notice.text.incident": "Integrity incident {case}: {step}. While it is open, answers about the entries and "
    "batches "
    "that it doubts are unknown. Look at the case before anybody changes, restores or rebuilds anything.",
    "notice.test": "A test notice",
    "notice.text.test": "This notice was sent to see that notices arrive. There is nothing to do.",
    "notice.mail.about": "Entry: {address}",
    "notice.mail.look": "Look at it under {address}",
    "notice.mail.end": "This message was sent by Trailseal, ledger {origin}. Trailseal never asks for a password by "
    "e-mail.",
}
