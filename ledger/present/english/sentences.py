"""Sentences that a person would say about an entry. Places in braces are filled with pieces (`sentences.py`)."""

MESSAGES = {
    "who.unknown": "someone whom the source does not name",
    "who.service": "a service that the source does not name",
    "who.device": "a device that the source does not name",
    "who.for": "{actor} on behalf of {other}",
    "what.named": "{name} ({id})",
    "what.attribute": "{attribute} of {object}",
    "what.type": "{type} {id}",
    "said.changed": "{actor} changed {what} from {old} to {new}",
    "said.set": "{actor} set {what} to {new}",
    "said.changed.unsaid": "{actor} changed {what}",
    "said.changed.many": "{actor} changed {count} attributes of {object}: {names}",
    "said.changed.more": "{names} and {count} more",
    "said.create": "{actor} created {object}",
    "said.read": "{actor} read {object}",
    "said.update": "{actor} changed {object}",
    "said.delete": "{actor} deleted {object}",
    "said.execute": "{actor} executed {object}",
    "said.sign": "{actor} signed {object}",
    "said.approve": "{actor} approved {object}",
    "said.reject": "{actor} rejected {object}",
    "said.login": "{actor} logged in to {object}",
    "said.logout": "{actor} logged out of {object}",
    "said.login-failed": "{actor} failed to log in to {object}",
    "said.grant": "{actor} granted {object}",
    "said.revoke": "{actor} revoked {object}",
    "said.configure": "{actor} configured {object}",
    "said.alarm": "Alarm {object} was raised",
    "said.alarm-clear": "Alarm {object} cleared",
    "said.acknowledge": "{actor} acknowledged {object}",
    "said.suppress": "{actor} suppressed {object}",
    "said.start": "{actor} started {object}",
    "said.stop": "{actor} stopped {object}",
    "said.time-change": "{actor} changed the clock of {object}",
    "said.backup": "{actor} backed up {object}",
    "said.restore": "{actor} restored {object}",
    "said.patch": "{actor} patched {object}",
    "said.export": "{actor} exported {object}",
    "said.print": "{actor} printed {object}",
    "said.failure": "Failed attempt: {sentence}",
    "said.denied": "Refused attempt: {sentence}",
    "said.place": " on {equipment}",
    "said.reason": "; reason: “{reason}”",
    "said.reason.sealed": "; reason sealed",
    "said.reason.none": "; reason not given by the source",
    "said.inferred": "; values inferred from two looks",
    "said.gap": "; more changes lie between than two looks can show",
    "entry.log-created": "Log {name} began with origin {origin}",
    "entry.clock-step": "Our clock stood {behind_us} behind the log's head; entries go on at the head's time",
    "entry.time-epoch": "This machine's clock had run ahead and was set right; two people signed what the logs go back "
    "over",
    "entry.collection-run": "{source} was collected: {records} new, {duplicates} known before, {quarantined} "
    "quarantined",
    "entry.quarantine": "Input of {source} was quarantined: {reason}",
    "entry.source": "{authority_actor} registered source {id} ({title}), type {type}",
    "entry.mapping": "{authority_actor} adopted a mapping for source {source}",
    "entry.identity": "{authority_actor}: from {valid_from} on account {account} of {source} is {person}; "
    "reason: {reason}",
    "entry.identity.shared": "{authority_actor}: from {valid_from} on account {account} of {source} is shared by "
    "several people, and nobody’s; reason: {reason}",
    "entry.reconciliation.holds": "{authority_actor} held source {source} from {from_at} to {to_at} against the log: "
    "they agree; reason: {reason}",
    "entry.reconciliation.fails": "{authority_actor} held source {source} from {from_at} to {to_at} against the log: "
    "they DIFFER; reason: {reason}",
    "entry.assessment": "{authority_actor} had records of this log assessed as of {size} entries: {blocks} blocks came "
    "out anew, {same} as before",
    "entry.coverage-statement": "{authority_actor} stated what was received of source {source} from {from_at} to "
    "{to_at}: {records} records; reason: {reason}",
    "entry.by-hand.entered": "{authority_actor} entered by hand what stands in entry {record}; reason: {reason}",
    "entry.by-hand.checked": "{authority_actor} checked what was entered by hand in entry {record}; {reason}",
    "entry.by-hand.refused": "{authority_actor} does NOT agree with what was entered by hand in entry {record}; "
    "reason: {reason}",
    "entry.exclusion.excluded": "{authority_actor} excluded records from the {evaluation_sort} {evaluation_name}; "
    "justification: {justification}",
    "entry.exclusion.lifted": "{authority_actor} has records count again in the {evaluation_sort} {evaluation_name}; "
    "justification: {justification}",
    "entry.parameter": "{authority_actor} set parameter {name} to {value}; reason: {reason}",
    "entry.asset": "{authority_actor}: from {valid_from} on {tag} of {source} stands at {equipment}; reason: {reason}",
    "entry.calendar": "{authority_actor}: from {valid_from} on the shifts of calendar {calendar} are new; "
    "reason: {reason}",
    "entry.source-life.identified": "Source {source} told of itself: {reason}",
    "entry.source-life.changed": "Source {source} is not what it was: {reason}; it is {state}",
    "entry.source-life.reconfigured": "Source {source} is to be validated anew: {reason}",
    "entry.source-life.validated": "{authority_actor} validated source {source} on {sample} records; reason: {reason}",
    "entry.source-life.suspended": "{authority_actor} suspended source {source}; reason: {reason}",
    "entry.source-life.resumed": "{authority_actor} resumed source {source}; reason: {reason}",
    "entry.source-life.closing": "{authority_actor} drew up the final account of source {source}: {account_records} "
    "records of {account_runs} runs; reason: {reason}",
    "entry.source-life.decommissioned": "{authority_actor} decommissioned source {source} with {account_records} "
    "records; reason: {reason}",
    "entry.import.begun": "{authority_actor} began to import {file_name} into source {source}; reason: {reason}",
    "entry.import.finished": "{authority_actor} ended import {id}: {outcome_counts_rows} rows, "
    "{outcome_counts_records} records, {outcome_differences} differences; it is {state}",
    "entry.true-copy": "{authority_actor} stated that import {id} is a true copy of {file_name}: {counts_records} "
    "records of {counts_rows} rows; reason: {reason}",
    "entry.system": "{authority_actor} listed system {system} ({title}) of {owner}; reason: {reason}",
    "entry.challenge": "{authority_actor} set challenge {challenge} of source {source}, planted {planting_by}; "
    "reason: {reason}",
    "entry.challenge-run.begun": "Challenge {challenge} of source {source} is about to set {new}",
    "entry.challenge-run.planted": "Challenge {challenge} of source {source} set {new}; its record is due by "
    "{deadline}",
    "entry.challenge-run.uncertain": "Challenge {challenge} of source {source} may have set {new}: {detail}",
    "entry.challenge-result.arrived": "Challenge {challenge} of source {source} arrived as planted: {detail}",
    "entry.challenge-result.wrong": "Challenge {challenge} of source {source} arrived wrong: {detail}",
    "entry.challenge-result.late": "Challenge {challenge} of source {source} came too late: {detail}",
    "entry.challenge-result.missed": "Challenge {challenge} of source {source} was missed: {detail}",
    "entry.challenge-result.not-planted": "Challenge {challenge} of source {source} was not planted: {detail}",
    "entry.agent.invited": "{authority_actor} invited agent {agent}; reason: {reason}",
    "entry.agent.enrolled": "Agent {agent} enrolled with a key of its own",
    "entry.agent.confirmed": "{authority_actor} confirmed the key of agent {agent}, epoch {epoch}; reason: {reason}",
    "entry.agent.revoked": "{authority_actor} revoked agent {agent}; reason: {reason}",
    "entry.delivery": "Agent {header_agent} delivered batch {header_number} of epoch {header_epoch}: run {run} "
    "of {header_source}",
    "entry.log-binding": "Checkpoint of {origin} at size {size} was entered here",
    "entry.finding": "Finding about {source}: {detail}",
    "entry.finding.opened": "Rule {rule} found something about {source}: {detail}",
    "entry.finding.closed": "Rule {rule} no longer finds what it found about {source} in entry {anchor}",
    "entry.rule": "{authority_actor}: rule {rule} version {version} is {state} from here on; reason: {reason}",
    "entry.rule-challenge": "{authority_actor} tried rule {rule} version {version} on cases; reason: {reason}",
    "entry.suppression.set": "{authority_actor} has what rule {rule} finds in a scope looked past from {since} to "
    "{until}; reason: {reason}",
    "entry.suppression.revoked": "{authority_actor} has what rule {rule} finds in a scope no longer looked past; "
    "reason: {reason}",
    "entry.rule-run": "{authority_actor} had the rules look at this log as of {size} entries: {opened} findings "
    "opened, {closed} closed",
    "entry.contributing-list": "{authority_actor} set which systems contribute to batches: {systems}; reason: {reason}",
    "entry.review-plan": "{authority_actor} set review plan {plan}, signed by route {route}; reason: {reason}",
    "entry.review.opened": "{authority_actor} opened a review of {population_records} records by plan {plan}, as of "
    "{population_size} entries; reason: {reason}",
    "entry.review.looked": "{authority_actor} looked at records of a review's sample: {reason}",
    "entry.review.given-reason": "{authority_actor} said why system {system} contributed nothing: {reason}",
    "entry.review.concluded": "{authority_actor} concluded a review: {outcome_findings} findings, "
    "{outcome_confirmed} confirmed, {outcome_deferred} deferred; {reason}",
    "entry.review.reconsidered": "{authority_actor} reconsidered a review after what a rule missed: {reason}",
    "entry.rule-miss": "{authority_actor} saw in entry {record} what no rule found: {what}",
    "entry.deferral": "{authority_actor} asked to defer findings of batch {batch} until {expires_at}; scope: {scope}; "
    "why that is no risk: {risk}",
    "entry.deviation": "{authority_actor} raised deviation {number} ({title}) for findings",
    "entry.review-answer": "{authority_actor} asked whether the review of batch {batch} is complete: it is {state}",
    "entry.disposition": "{authority_actor} judged findings to be {judgement}; reason: {reason}",
    "entry.incident": "Incident {code}: {detail}; stopped: {stopped}",
    "entry.incident-case.reported": "{authority_actor} reported that {subject} is doubtful since {since}, "
    "case {case}; reason: {reason}",
    "entry.incident-case.opened": "Integrity incident {case} was opened: {reason}",
    "entry.incident-case.compared": "{authority_actor} compared what case {case} doubts with {comparison_place}",
    "entry.incident-case.restored": "{authority_actor}: backup {backup} was restored and verifies, case {case}; "
    "reason: {reason}",
    "entry.incident-case.proposed": "{authority_actor} proposed to go on in a new epoch, case {case}; reason: {reason}",
    "entry.incident-case.continued": "{authority_actor}: the log goes on in epoch {epoch}, case {case}; "
    "reason: {reason}",
    "entry.incident-case.closing": "{authority_actor} put case {case} before quality assurance to be closed, "
    "deviation {deviation}; reason: {reason}",
    "entry.epoch": "{authority_actor}: log {origin} goes on in epoch {number}, case {case}; what is damaged stays as "
    "it is; reason: {reason}",
    "entry.service-start": "{authority_actor} started the service, {product}",
    "entry.account": "{authority_actor}: account {account} is {state}; reason: {reason}",
    "entry.grant.granted": "{authority_actor} granted {account} the scopes {scopes}; reason: {reason}",
    "entry.grant.revoked": "{authority_actor} revoked the scopes {scopes} of {account}; reason: {reason}",
    "entry.session-event.link-issued": "{authority_actor} issued a one-time sign-in link for {account}",
    "entry.session-event.started": "{account} signed in by a one-time link",
    "entry.session-event.ended": "The session of {account} ended: {reason}",
    "entry.security-event": "Calls without right were refused between {first_at} and {last_at}, from {peers} addresses",
    "entry.package-issued": "{authority_actor} issued evidence package {package}: {records} records of {origin}, "
    "as of {size} entries",
    "entry.verification.holds": "{authority_actor} had this log verified as of {size} entries: all that was run holds",
    "entry.verification.fails": "{authority_actor} had this log verified as of {size} entries: something does not hold",
    "entry.other": "Entry of kind “{kind}”",
    "entry.unreadable.kind": "unreadable",
    "entry.unreadable": "This entry is no longer what was logged: keep everything as it is and run "
    "`trailseal verify --full`",
    "entry.disposed.under": "The content of this entry was disposed of under entry {index} of the system log; its "
    "place in the log stays proven",
    "entry.missing": "The content of this entry is missing, and no entry disposed of it: verify the ledger",
    "entry.disposed.see": "The disposal",
    "search.disposed": "{count} records of this log were disposed of after their retention: no search finds them.",
}
