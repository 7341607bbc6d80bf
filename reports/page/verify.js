// The whole verification, in the order of the terminal's. What this page does not check, it says (`unchecked`), and then
// neither the line that would rest on it nor the sum is ever said to hold.
import { Wrong, hex, same, utf8 } from "./bytes.js";
import { checkFiles, checkManifests, checkSeal, digestsOf, folderOf } from "./bag.js";
import { readCanonical } from "./canonical.js";
import { Entries, findKeys } from "./entries.js";
import { CONSTANTS } from "./constants.js";
import { DESCRIPTION, FILES } from "./lines.js";
import { Unknown, checkpointOf, fingerprint, openCheckpoint, parseKey, parseNote } from "./note.js";
import { Origins } from "./origins.js";
import { openByPolicy } from "./policy.js";
import { ProofFiles, ProofOfAll } from "./proofs.js";
import { Records } from "./records.js";
import { Rules } from "./rules.js";
import { shaped } from "./shape.js";
import { sound } from "./sha2.js";
import { StrictZip, crc32 } from "./zip.js";

const SMALL = 1 << 20;
const MAX_PROBLEMS = 50;
/** The lines of the verdict. */
export const LINES = ["unchanged", "complete", "order", "date"];

/** What is wrong, up to a limit: more would not help anybody. Each counts for one line of the verdict. */
class Problems {
  found = [];
  lines = new Set();

  add(where, what, line = "unchanged") {
    this.lines.add(line);
    if (this.found.length < MAX_PROBLEMS) this.found.push({ where, what, line });
  }

  /** Notes what was thrown; whatever a hostile file makes a parser do, the answer is that the file is wrong. */
  caught(where, error, line) {
    if (error instanceof Stopped) throw error;
    if (error instanceof Wrong) this.add(error.where ?? where, error.message, error.line ?? line);
    else this.add(where, `cannot be read: ${error.message}`, line);
  }
}

/** The person asked to stop, or what is wrong leaves nothing to go on with. */
export class Stopped extends Error {}

/** A zip whose names have lost the bag's folder, as everything but the container names them. */
function within(zip, folder) {
  const inner = Object.create(zip);
  inner.members = new Map([...zip.members].map(([name, member]) => [name.slice(folder.length), member]));
  return inner;
}

class Verification {
  constructor(blob, outside, { pace, progress, record }) {
    Object.assign(this, { blob, outside, pace, progress, record });
    this.problems = new Problems();
    this.unchecked = [];
    this.at = "the zip container";
    this.authenticated = false;
    this.finished = false;
    this.facts = {};
  }

  async run() {
    const { problems } = this;
    if ((await sound()) === false) throw new Error("this browser computes other hashes than this page");
    const whole = await StrictZip.open(this.blob, this.pace);
    const folder = folderOf(whole.members.keys());
    this.zip = within(whole, folder);
    const names = new Set(this.zip.members.keys());
    this.signed = checkFiles(names, problems);
    if (problems.found.length) return;
    const bytes = [...this.zip.members.values()].reduce((sum, member) => sum + member.size, 0);
    let done = 0;
    const files = await digestsOf(this.zip, (more) => this.progress("files", (done += more), bytes));
    await checkManifests(this.zip, files, problems);
    this.at = FILES.description;
    const description = await this.describe(folder);
    this.at = FILES.entries;
    const keys = await findKeys(this.zip);
    this.at = FILES.checkpoint;
    const head = await this.origin(description, keys);
    this.at = FILES.entries;
    const rules = new Rules(description.rules);
    const origins = new Origins(description.origin);
    const entries = new Entries(this.zip, description, head, problems, rules, origins);
    await entries.check();
    this.at = FILES.seal;
    await this.seal(files, description, keys);
    this.at = FILES.records;
    const proofs = new ProofFiles(files, await this.zip.read(FILES.checkpoint, SMALL), description, problems);
    const ofAll = new ProofOfAll(this.zip, head, description, problems);
    const records = new Records(this.zip, description, head, files.get(FILES.table), problems, entries, rules, {
      proven: async (line, hash) => {
        proofs.record(line);
        await ofAll.record(line.value.index, hash);
      },
      judged: (line, why) => {
        this.record(line, why);
        this.progress("records", (this.facts.seen = (this.facts.seen ?? 0) + 1), description.records);
      },
    });
    await records.check();
    proofs.finish();
    await ofAll.finish();
    this.leave(description, entries, names);
    Object.assign(this.facts, { runs: entries.runs, runRecords: entries.runRecords, covered: records.covered, gaps: entries.gaps });
    this.finished = true;
  }

  async describe(folder) {
    const bytes = await this.zip.read(FILES.description, SMALL);
    if (bytes.at(-1) !== 10) throw new Wrong("does not end in a line feed");
    const description = shaped(readCanonical(bytes.subarray(0, -1)), DESCRIPTION);
    if (description.schema !== CONSTANTS.schema) throw new Wrong("is of another schema than this page knows");
    this.facts.description = description;
    if (`${description.package}/` !== folder) throw new Wrong(`names another package than its folder ${folder}`);
    return description;
  }

  /** The checkpoint: under the keys that the package names, and under what was given from outside. */
  async origin(description, { created }) {
    const note = await this.zip.read(FILES.checkpoint, SMALL);
    const said = checkpointOf(parseNote(note).text);
    if (created.origin !== said.origin) throw new Wrong("is not of the log that the entries begin", "order");
    const inside = parseKey(created.key);
    Object.assign(this.facts, { logKey: created.key, fingerprint: fingerprint(created.key), root: hex(said.root) });
    let head = said;
    if (this.zip.members.has(FILES.keyLife)) {
      this.unchecked.push({ what: "keys", line: "order" });
    } else {
      ({ head } = await this.ordered(openCheckpoint(note, said.origin, [inside])));
    }
    if (this.outside) await this.authenticate(note);
    if (head.origin !== description.origin || head.size !== description.size || head.root64 !== description.root) {
      this.problems.add(FILES.description, "does not describe the log, size and root of the checkpoint", "order");
    }
    return head;
  }

  async authenticate(note) {
    let found;
    try {
      found = await this.ordered(openByPolicy(note, this.outside));
    } catch (error) {
      // Where the log's key was rotated, an older one may lead to the one that signed: that is not judged here.
      if (error instanceof Unknown && this.zip.members.has(FILES.keyLife)) return;
      throw error;
    }
    if (found.unchecked.length) this.unchecked.push({ what: "mldsa", line: "order", count: found.unchecked.length });
    this.authenticated = found.authenticated;
    Object.assign(this.facts, { by: found.by, witnesses: found.names });
  }

  /** What is wrong with a checkpoint or a key is wrong with the order that they vouch for. */
  async ordered(promise) {
    try {
      return await promise;
    } catch (error) {
      if (error instanceof Wrong) error.line ??= "order";
      throw error;
    }
  }

  async seal(files, description, { created, report }) {
    const { problems } = this;
    const given = await this.zip.read(FILES.keys, SMALL);
    const due = utf8(`log ${created.key}\nreport ${report}\n`);
    // After a rotation the log's key is another one than the one that it began with: which, is not judged here.
    const rotated = this.zip.members.has(FILES.keyLife);
    const right = rotated ? same(given.subarray(given.indexOf(10) + 1), due.subarray(due.indexOf(10) + 1)) : same(given, due);
    if (!right) problems.add(FILES.keys, "does not name the keys of the entries");
    await checkSeal(this.zip, files, description, report, problems);
  }

  /** Names what is in the package and is not judged here. */
  leave(description, entries, names) {
    const not = (what, line, count) => count && this.unchecked.push({ what, line, count });
    not("stamps", "date", (description.time_stamps ?? 0) + (description.renewals ?? 0) || +names.has(FILES.stamps));
    not("signatures", null, this.signed ? (description.signatures ?? 0) + (description.papers ?? 0) || 1 : 0);
    not("disposals", "complete", description.disposed ?? 0);
    not("said", "complete", entries.unjudged);
  }

  verdict() {
    const { problems, unchecked } = this;
    const wrong = problems.found.length > 0;
    const state = (line) => {
      if (problems.lines.has(line)) return "fails";
      const open = wrong || !this.finished || !this.authenticated || unchecked.some((one) => one.line === line);
      return open || !this.holds(line) ? "unknown" : "holds";
    };
    const judged = LINES.map((name) => ({ name, state: state(name) }));
    const sum = wrong ? "wrong" : !this.finished ? "stopped" : !this.authenticated ? "unknown-key" : unchecked.length ? "partly" : "holds";
    return { sum, lines: judged, problems: problems.found, unchecked, facts: this.facts, authenticated: this.authenticated };
  }

  /** Whether a line can be said to hold of a package in which nothing is wrong. */
  holds(line) {
    const { description, runs, by } = this.facts;
    if (line === "complete") return runs > 0 && !openPoints(this.facts).length;
    if (line === "date") return by != null;
    return Boolean(description);
  }
}

/** What is known to be missing or uncertain of a package, each with how many there are. */
export function openPoints({ description, gaps = {} }) {
  const said = description ?? {};
  return Object.entries({
    ...gaps,
    undated: said.undated,
    unmatched: said.unmatched?.length,
    uncertain: said.uncertain,
    possible: said.possible,
    marked: said.marked,
    disposed: said.disposed,
    elsewhere: said.disposed_elsewhere,
  }).filter(([, count]) => count);
}

/**
 * The verdict on a package, whatever it holds. `outside`: what `readOutside` read, or null. `pace.step` is awaited often
 * and lets the page breathe; `progress(step, done, of)`; `record(line, why)` hears of each record, `why` null if it holds.
 */
export async function verifyPackage(blob, outside, hooks) {
  const run = new Verification(blob, outside, hooks);
  try {
    await run.run();
  } catch (error) {
    if (!(error instanceof Stopped)) run.problems.caught(run.at, error, "unchanged");
  }
  return run.verdict();
}

/**
 * A copy in which one bit of a record is another one; the zip's own checksum is made right again, as a forger would.
 * Null where the container cannot be read, or holds no record.
 */
export async function altered(blob, pace) {
  const zip = await StrictZip.open(blob, pace);
  const name = [...zip.members.keys()].find((one) => one.endsWith(`/${FILES.records}`)) ?? "";
  const member = zip.members.get(name);
  if (!member?.size || member.method) return null;
  const content = new Uint8Array(await blob.slice(member.start, member.start + member.packed).arrayBuffer());
  // A digit of the first record's time of receipt: such a change would be worth making.
  const place = indexOfText(content, RECEIVED) + RECEIVED.length + "2026-11-25T07:10:0".length;
  content[place] ^= 1;
  const sum = new Uint8Array(4);
  new DataView(sum.buffer).setInt32(0, crc32(0, content), true);
  const changes = [[member.local + 14, sum], [member.start, content], [member.central + 16, sum]];
  return { blob: new Blob(patched(blob, changes)), at: member.start + place };
}

const RECEIVED = '"received_at":"';

function indexOfText(bytes, text) {
  const due = utf8(text);
  for (let at = 0; at + due.length <= bytes.length; at++) if (same(bytes.subarray(at, at + due.length), due)) return at;
  return 0;
}

/** The parts of a blob with some bytes in the place of others. */
function patched(blob, changes) {
  const parts = [];
  let at = 0;
  for (const [place, bytes] of changes) {
    parts.push(blob.slice(at, place), bytes);
    at = place + bytes.length;
  }
  return [...parts, blob.slice(at)];
}
