// One pass over the records: each proven, with its sealed values, its original and why it belongs; and the table again.
import { HASH_SIZE, Wrong, base64, hex, instantOf, same, unbase64, utf8 } from "./bytes.js";
import { Cover } from "./entries.js";
import { FILES, MAX_LINE, MAX_ORIGINAL_LINE, ORIGINAL_LINE, RECORD_BODY, RECORD_LINE, bodyOf, linesOf } from "./lines.js";
import { looked } from "./rules.js";
import { newSha256, newSha512 } from "./sha2.js";
import { object } from "./shape.js";
import { header, rows } from "./table.js";
import { canonicalBytes, checkLine, originalCommitment, sealedCommitment } from "./tree.js";

export class Records {
  /**
   * `entries`: what the pass over the entries found. `told.proven` hears of each line whose place in the tree is proven,
   * `told.judged` of each record in the end, and why it does not hold (null: it does).
   */
  constructor(zip, description, head, table, problems, entries, rules, told) {
    Object.assign(this, { zip, description, head, table, problems, entries, rules, told });
    this.cover = new Cover(entries.cover);
    this.count = { query: 0, read: 0, derived: 0, possible: 0 };
    this.uncertain = this.withOriginal = this.withheld = this.covered = 0;
    this.wanted = new Map();
    this.edges = new Map();
    this.orders = new Set();
  }

  async check() {
    const [first, second] = [newSha256(), newSha512()];
    const put = (text) => {
      const bytes = utf8(text);
      first.update(bytes);
      second.update(bytes);
    };
    put(header());
    this.originals = linesOf(this.zip, FILES.originals, ORIGINAL_LINE, MAX_ORIGINAL_LINE);
    let last = -1;
    for await (const line of linesOf(this.zip, FILES.records, RECORD_LINE, MAX_LINE)) {
      const { index } = line.value;
      let why = null;
      try {
        if (index <= last) throw new Wrong("does not stand in the order of the log", "order");
        last = index;
        const checked = checkLine(line, this.head);
        await this.told.proven(line, checked.hash);
        bodyOf(line, RECORD_BODY);
        const table = rows(line.value, checked.leaf, checked.hash64);
        await this.one(line, checked);
        put(table);
      } catch (error) {
        why = error.message;
        this.problems.caught(`entry ${index} in ${FILES.records}`, error, "unchanged");
      }
      this.told.judged(line.value, why);
    }
    const made = { sha256: hex(first.digest()), sha512: hex(second.digest()) };
    if (made.sha256 !== this.table.sha256 || made.sha512 !== this.table.sha512) {
      this.problems.add(FILES.table, "does not say what the records say");
    }
    await this.finish();
  }

  async one(line, { leaf, hash }) {
    const { value } = line;
    const { body, index } = value;
    if (leaf.kind !== "record") throw new Wrong(`is of kind ${leaf.kind}, not a record`);
    const byInterval = ["derived", "possible"].includes(value.basis);
    if (!Object.hasOwn(this.count, value.basis) || byInterval !== (value.why != null)) {
      throw new Wrong("does not say why it is in the selection", "complete");
    }
    this.count[value.basis] += 1;
    this.sealed(value);
    await this.original(value);
    this.basis(value);
    this.ruled(value);
    this.entries.origins.record(value);
    const covered = this.cover.leafHash(index);
    if (covered) {
      this.covered += 1;
      if (!same(covered, hash)) throw new Wrong("is not the record that its collection run holds at this place", "complete");
    }
  }

  ruled(value) {
    try {
      this.rules.record(value, value.body);
    } catch (error) {
      if (error instanceof Wrong) error.line ??= "complete";
      throw error;
    }
  }

  sealed({ body, sealed = [], withheld = [] }) {
    const left = sealedMembers(body.record);
    for (const { member, salt, value } of sealed) {
      const commitment = base64(sealedCommitment(unbase64(salt, HASH_SIZE), canonicalBytes(value)));
      const at = left.findIndex((one) => one[0] === member && one[1] === commitment);
      if (at < 0) throw new Wrong(`the disclosed value of ${member} is not the one that the body commits to`);
      left.splice(at, 1);
    }
    if (left.map(([member]) => member).sort().join("\n") !== [...withheld].sort().join("\n")) {
      throw new Wrong("does not name the sealed values that it withholds");
    }
    if (!this.description.disclosed && sealed.length) throw new Wrong("discloses a value that the package says it withholds");
  }

  async original({ index, body, original, withheld = [] }) {
    const due = body.original ?? null;
    if (original === "included") {
      const given = (await this.originals.next()).value?.value;
      if (!given || given.index !== index || !due) throw new Wrong(`its original is not in ${FILES.originals}`);
      const commitment = originalCommitment(unbase64(given.salt, HASH_SIZE), unbase64(given.data));
      if (base64(commitment) !== due.commitment) {
        throw new Wrong(`its original in ${FILES.originals} is not the one that the body commits to`);
      }
      this.withOriginal += 1;
    } else if (original === "withheld") {
      if (!withheld.length || !due) throw new Wrong("withholds an original without a sealed value that would be in it");
      this.withheld += 1;
    } else if (original === "erased") {
      if (!due) throw new Wrong("says that an original was erased that it never had");
      this.withheld += 1;
    } else if (due) {
      throw new Wrong("leaves out its original without saying so");
    }
  }

  basis({ index, basis, body, why }) {
    const links = body.record.links ?? [];
    const ids = (kind) => new Set(links.filter((link) => link.kind === kind).map((link) => link.id));
    const [equipment, orders, rooms] = [ids("equipment"), ids("order"), ids("location")];
    if (basis === "read") for (const order of orders) this.orders.add(order);
    if (["start", "stop"].includes(body.record.action) && (basis === "read" || orders.size)) {
      for (const id of equipment) this.edges.set(edge(index, id, body.record.action), basis === "read" ? null : orders);
    }
    if (why) {
      this.reason(why, equipment, rooms.add(body.record.object.id), basis);
      checkLooks(why, looked(body), basis);
    } else if (basis === "read") {
      const { kind, id } = this.description.selection;
      if (!links.some((link) => link.kind === kind && link.id === id)) {
        throw new Wrong("does not carry the link that it was selected by", "complete");
      }
    }
  }

  reason(why, equipment, tags, basis) {
    if (why.tag != null && !tags.has(why.tag)) {
      throw new Wrong(`has nothing to do with ${why.tag}, which is to stand for equipment ${why.equipment}`, "complete");
    }
    if (why.tag == null && !equipment.has(why.equipment)) {
      throw new Wrong(`has nothing to do with equipment ${why.equipment}`, "complete");
    }
    if (basis === "derived" && why.certain === false) this.uncertain += 1;
    this.want(why.started_by, why.equipment, "start");
    if (why.stopped_by != null) this.want(why.stopped_by, why.equipment, "stop");
  }

  want(index, equipment, action) {
    this.wanted.set(edge(index, equipment, action), { index, equipment, action });
  }

  async finish() {
    const { problems, description: said } = this;
    if (!(await this.originals.next()).done) {
      problems.add(FILES.originals, "has an original that no record names, or in another order");
    }
    await this.originals.return();
    for (const [key, { index, equipment, action }] of this.wanted) {
      const orders = this.edges.get(key);
      const there = orders === null || (orders && [...orders].some((order) => this.orders.has(order)));
      if (!there) problems.add(`entry ${index} in ${FILES.records}`, `is to be the ${action} of ${equipment}, and is not`, "complete");
    }
    for (const [index, what] of this.rules.wrong()) problems.add(`entry ${index} in ${FILES.records}`, what, "complete");
    const { query, read, derived, possible } = this.count;
    const counted = [query + read + derived + possible, read, derived, possible, this.uncertain];
    const due = [said.records, said.read, said.derived, said.possible ?? 0, said.uncertain];
    if (counted.join() !== due.join()) {
      problems.add(FILES.records, `holds ${counted[0]} records where the description says ${said.records}`, "complete");
    }
    if (this.withOriginal !== said.originals || this.withheld !== said.originals_withheld) {
      problems.add(FILES.originals, "does not hold the originals that the description says", "complete");
    }
    const { imported, marked } = this.entries.origins;
    if (imported !== (said.imported ?? 0) || marked !== (said.marked ?? 0)) {
      problems.add(FILES.records, "does not show the imported and marked that the description says", "complete");
    }
  }
}

const edge = (index, id, action) => JSON.stringify([index, id, action]);

/** Every sealed value of a record: its member, and its commitment in base64. */
function sealedMembers(record) {
  const found = [
    ["actor.name", record.actor.name],
    ["object.name", record.object.name],
    ["reason", record.reason],
  ];
  for (const change of record.changes ?? []) {
    for (const side of ["old", "new"]) found.push([`changes.${change.attribute}.${side}`, change[side]]);
  }
  return found.filter(([, value]) => object(value)).map(([member, value]) => [member, value.sealed]);
}

/** A record that happened between two looks is derived where both lie in the occupation, else possible. */
function checkLooks(why, between, basis) {
  const fail = (what) => new Wrong(what, "complete");
  if (!between) {
    if (basis === "possible") throw fail("may belong by two looks, of which its body says nothing");
    return;
  }
  const low = instantOf(why.after);
  const high = why.before == null ? null : instantOf(why.before);
  if (between.high < low || (high !== null && between.low > high)) {
    throw fail("happened between two looks that are outside the occupation");
  }
  const within = low <= between.low && (high === null || between.high <= high);
  if ((basis === "derived") !== within) throw fail("is not in the occupation as far as the two looks say that it is");
  if (basis === "possible" && why.certain !== false) {
    throw fail("is said to belong for certain, and lies in the occupation only in part");
  }
}
