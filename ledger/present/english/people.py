"""Words about persons, access and signatures."""

MESSAGES = {
    "kind.credential": "component of sign-in",
    "kind.sign-in": "refusal or lock at sign-in",
    "kind.qualification": "qualification of a person",
    "kind.document": "document of the site",
    "kind.ceremony": "first-start ceremony",
    "kind.access-review": "access review",
    "kind.viewed": "view by an inspector",
    "kind.notice": "notice",
    "kind.look-up": "search by person",
    "kind.signing-route": "signing route",
    "kind.signing-request": "signing request",
    "kind.delegation": "delegation",
    "entry.credential.set": "{authority_actor} set a component of {account} ({sort}); reason: {reason}",
    "entry.credential.retired": "{authority_actor} retired a component of {account} ({sort}); reason: {reason}",
    "entry.sign-in.failed": "A component of {account} was refused for {purpose}, {count} in a row",
    "entry.sign-in.locked": "Account {account} was locked after {count} refusals in a row",
    "entry.sign-in.unlocked": "{authority_actor} unlocked account {account}; reason: {reason}",
    "entry.sign-in.alerted": "Those responsible were told of refusals at account {account}",
    "entry.qualification": "{authority_actor} established for {account}: {sort}, {how}, on {on}; reason: {reason}",
    "entry.configuration": "{authority_actor} set {item} to {value}; it was {old}; reason: {reason}",
    "entry.document": "{authority_actor} put in “{title}” of {dated}; reason: {reason}",
    "entry.ceremony": "The first start: {founders} founders signed each other's keys",
    "entry.access-review": "{authority_actor} reviewed the access of {lines} accounts as of {system_size} entries of "
    "the system log; the next review is due {due_at}",
    "entry.viewed": "{account} saw {address}",
}
