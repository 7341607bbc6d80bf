// The files of a package and the lines in them: what each has to be, and reading them strictly.
import { Wrong } from "./bytes.js";
import { readObject } from "./canonical.js";
import { CONSTANTS } from "./constants.js";
import { anything, digest, either, flag, integer, isIndex, list, maybe, name, object, one, optional, record, shaped, text } from "./shape.js";

export const FILES = CONSTANTS.files;
const MIB = 1 << 20;
export const MAX_LINE = 4 * MIB;
export const MAX_ORIGINAL_LINE = Math.floor((16 * MIB * 4) / 3) + 4096;
export const MAX_RUN_LINE = 16 * MIB;

const string = text();
const proof = list(digest, 63);
const entry = { index: isIndex, leaf: object, salt: digest, body: object, proof };
const reason = record({
  equipment: string,
  started_by: isIndex,
  after: string,
  stopped_by: optional(maybe(isIndex)),
  before: optional(maybe(string)),
  certain: optional(flag),
  phase: optional(one("before", "during", "after")),
  rule: optional(maybe(isIndex)),
  tag: optional(maybe(string)),
});
const marks = record({
  by_hand: optional(maybe(string)),
  corrects: optional(maybe(string)),
  corrected_by: optional(list(isIndex)),
  excluded: optional(list(isIndex)),
});

export const RECORD_LINE = {
  ...entry,
  basis: string,
  original: one("none", "included", "withheld", "erased"),
  sealed: optional(list(record({ member: string, salt: digest, value: anything }))),
  withheld: optional(list(string)),
  why: optional(maybe(reason)),
  imported: optional(maybe(string)),
  mark: optional(maybe(one("re-validate"))),
  marks: optional(maybe(marks)),
};
export const ENTRY_LINE = { ...entry, role: one(...Object.keys(CONSTANTS.roles)) };
export const RUN_LINE = { run: isIndex, leaves: list(digest) };
export const ORIGINAL_LINE = { index: isIndex, salt: digest, data: string };

const KINDS = {
  text: string,
  flag,
  isIndex,
  isIndexOrNull: maybe(isIndex),
  digest,
  object,
  indices: list(isIndex),
  texts: list(string),
};
/** `package.json`: what the package says that it is. Numbers that it may leave out are zero. */
export const DESCRIPTION = Object.fromEntries(
  Object.entries(CONSTANTS.description).map(([member, { kind, required }]) => [
    member,
    required ? KINDS[kind] : optional(KINDS[kind]),
  ]),
);

// Bodies, as far as they are read here; the terminal reads them by the same members.
const safe = integer();
const sealed = record({ sealed: digest }, true);
const value = either((found) => typeof found === "string", safe, flag, (found) => found === null, sealed);
const sourceTime = record(
  {
    text: string,
    precision: one(...CONSTANTS.precisions),
    basis: one(...CONSTANTS.timeBases),
    instant_us: optional(maybe(safe)),
    offset: optional(maybe(string)),
    zone: optional(maybe(string)),
  },
  true,
);
const named = optional(maybe(name));
const hidden = optional(maybe(either(name, sealed)));
const RECORD = record({
  source: name,
  source_record_id: name,
  action: one(...CONSTANTS.actions),
  occurred_at: sourceTime,
  actor: record(
    {
      account: maybe(name),
      kind: one(...CONSTANTS.actorKinds),
      name: hidden,
      ...Object.fromEntries(["on_behalf_of", "role", "auth", "channel", "workstation", "session"].map((one) => [one, named])),
    },
    true,
  ),
  object: record({ type: name, id: name, name: hidden }, true),
  outcome: optional(one(...CONSTANTS.outcomes)),
  source_recorded_at: optional(maybe(sourceTime)),
  source_sequence: named,
  changes: optional(
    list(
      record(
        {
          attribute: name,
          old: optional(value),
          new: optional(value),
          unit: named,
          inferred: optional(maybe(record({ after: string, before: string }, true))),
          gap: optional(flag),
        },
        true,
      ),
      10000,
    ),
  ),
  reason: optional(maybe(either((found) => typeof found === "string", sealed))),
  links: optional(list(record({ kind: one(...CONSTANTS.linkKinds), id: name, basis: one(...CONSTANTS.linkBases) }, true), 1000)),
});
export const RECORD_BODY = {
  schema: one("record/1"),
  record: RECORD,
  received_at: string,
  digest: record({ key: name, hmac: digest }, true),
  clock: optional(
    maybe(record({ offset_us: safe, uncertainty_us: safe, measured_at: string, method: string }, true)),
  ),
  original: optional(
    maybe(record({ commitment: digest, media_type: name, size: safe, parser: name, parser_version: name }, true)),
  ),
};
export const LOG_BODY = { schema: one("log-created/1", "log-created/2"), origin: string, key: string };
export const KEY_EVENT_BODY = { schema: one("key-event/1", "key-event/2"), event: string, purpose: string, key: string };
export const PARAMETER_BODY = { schema: one("parameter/1"), name: string, value: maybe(string) };
export const RUN_BODY = {
  schema: one("collection-run/1"),
  source: string,
  started_at: string,
  first: maybe(safe),
  records: safe,
  previous: maybe(safe),
  chain: string,
  duplicates: optional(list(anything)),
  quarantined: optional(list(anything)),
  unreachable: optional(list(object)),
  gaps: optional(list(object)),
};

/** The body of an entry's line; raises Wrong where it has not these members. */
export const bodyOf = (line, members) => shaped(line.value.body, members, true);

/** The lines of a file, each with its value and the texts of its members. */
export async function* linesOf(zip, file, members, limit) {
  let number = 0;
  for await (const bytes of zip.lines(file, limit)) {
    number += 1;
    let line;
    try {
      line = readObject(bytes);
      shaped(line.value, members);
    } catch (error) {
      if (error instanceof Wrong) throw new Wrong(`line ${number} ${error.message}`);
      throw error;
    }
    yield line;
  }
}
