"""Words about signing workflows: routes, requests, decisions, delegations, tasks."""

MESSAGES = {
    "request.open": "open",
    "request.completed": "signed",
    "request.declined": "declined",
    "request.withdrawn": "withdrawn",
    "request.superseded": "unsigned (content changed)",
    "request.changed": "unsigned (content changed)",
    "entry.signing-route": "{authority_actor} set signing route {route} ({title}) with {stages} stages; "
    "reason: {reason}",
    "entry.signing-request": "{authority_actor} asked for signatures over “{title}” by route {route}; reason: {reason}",
    "entry.delegation.granted": "{authority_actor} let {delegate} sign for {account} from {from_at} until {until_at}; "
    "reason: {reason}",
    "entry.delegation.ended": "{authority_actor} ended that {delegate} signs for {account}; reason: {reason}",
    "entry.decision.opened": "{authority_actor} opened entries {items} of request {request}",
    "entry.decision.signed": "{authority_actor} signed step {step} of request {request} as {role}; reason: {reason}",
    "entry.decision.declined": "{authority_actor} declined step {step} of request {request} as {role}; "
    "reason: {reason}",
    "entry.decision.reassigned": "{authority_actor} gave step {step} of request {request} to {given_to}; "
    "reason: {reason}",
    "entry.decision.withdrawn": "{authority_actor} withdrew request {request}; reason: {reason}",
    "entry.decision.escalated": "Step {step} of request {request} is overdue: {told} was told; {reason}",
    "entry.decision.superseded": "Request {request} shows as unsigned, as its content changed: {reason}",
    "entry.decision.refused": "{authority_actor} was refused at request {request} (tried: {tried}): {reason}",
}
