// The entries beside the records: each proven, the log's beginning, the report key, and each source's unbroken runs.
import { HASH_SIZE, Wrong, same, unbase64 } from "./bytes.js";
import { CONSTANTS } from "./constants.js";
import { ENTRY_LINE, FILES, KEY_EVENT_BODY, LOG_BODY, MAX_LINE, MAX_RUN_LINE, RUN_BODY, RUN_LINE, bodyOf, linesOf } from "./lines.js";
import { checkLine, runChain } from "./tree.js";

/** The keys that the first two entries name; nothing of them is proven yet. */
export async function findKeys(zip) {
  const entries = linesOf(zip, FILES.entries, ENTRY_LINE, MAX_LINE);
  const [log, report] = [(await entries.next()).value, (await entries.next()).value];
  await entries.return();
  if (log?.value.role !== "log" || report?.value.role !== "report-key") {
    throw new Wrong("does not begin with the entries of the log and of its report key");
  }
  return { created: bodyOf(log, LOG_BODY), report: bodyOf(report, KEY_EVENT_BODY).key };
}

/** One pass over the entries, side by side with the leaf hashes of the runs. */
export class Entries {
  constructor(zip, description, head, problems, rules, origins) {
    Object.assign(this, { zip, description, head, problems, rules, origins });
    this.chains = new Map();
    this.roles = new Map();
    this.cover = [];
    this.gaps = { unreachable: 0, gaps: 0 };
    this.runs = 0;
    this.runRecords = 0;
    this.verification = null;
  }

  async check() {
    const leaves = linesOf(this.zip, FILES.runs, RUN_LINE, MAX_RUN_LINE);
    for await (const line of linesOf(this.zip, FILES.entries, ENTRY_LINE, MAX_LINE)) {
      const { index, role } = line.value;
      try {
        const { leaf } = checkLine(line, this.head);
        if (leaf.kind !== CONSTANTS.roles[role]) throw new Wrong(`is of kind ${leaf.kind}, not what a ${role} entry is`);
        this.roles.set(role, (this.roles.get(role) ?? 0) + 1);
        await this.enter(line, role, leaves);
      } catch (error) {
        this.problems.caught(`entry ${index} in ${FILES.entries}`, error, role === "run" ? "complete" : "unchanged");
      }
    }
    if (!(await leaves.next()).done) this.problems.add(FILES.runs, "has a run that the entries do not have", "complete");
    await leaves.return();
    if (this.runs !== this.description.runs || this.verification !== this.description.verification) {
      this.problems.add(FILES.description, "does not describe the entries that are there", "complete");
    }
    if (!this.rules.complete) {
      this.problems.add(FILES.entries, "does not hold the rules of what belongs that the description says", "complete");
    }
    for (const [index, what] of this.origins.wrong()) {
      this.problems.add(`entry ${index} in ${FILES.entries}`, what, "complete");
    }
    this.counts();
  }

  /** The description's numbers of entries. */
  counts() {
    const said = (name) => this.description[name] ?? 0;
    const held = (...roles) => roles.reduce((sum, role) => sum + (this.roles.get(role) ?? 0), 0);
    for (const [names, ...roles] of [
      ["imports", "import", "true-copy"],
      ["lives", "life"],
      ["marks", "by-hand", "exclusion"],
      ["deferrals", "deferral"],
      ["answers", "review-answer"],
    ]) {
      if (said(names) !== held(...roles)) {
        this.problems.add(FILES.entries, `does not hold as many ${names} as the description says`, "complete");
      }
    }
  }

  /** How many entries there are whose meaning is not judged here. */
  get unjudged() {
    return CONSTANTS.unjudgedRoles.reduce((sum, role) => sum + (this.roles.get(role) ?? 0), 0);
  }

  async enter(line, role, leaves) {
    const { index } = line.value;
    if (role === "log") {
      if (index !== 0 || bodyOf(line, LOG_BODY).origin !== this.head.origin) {
        throw new Wrong(`is not the beginning of log ${this.head.origin}`, "order");
      }
    } else if (role === "report-key") {
      const event = bodyOf(line, KEY_EVENT_BODY);
      const right = event.event === "created" && event.purpose === "report" && event.key.startsWith(`${this.head.origin}/report+`);
      if (!right) throw new Wrong(`does not vouch for a report key of log ${this.head.origin}`);
    } else if (role === "verification") {
      this.verification = index;
    } else if (role === "occupation-rule") {
      this.rules.enter(line);
    } else if (role === "run") {
      const run = bodyOf(line, RUN_BODY);
      this.origins.run(index, run);
      this.run(index, run, (await leaves.next()).value?.value);
    } else {
      this.origins.enter(line, role);
    }
  }

  /**
   * The run continues the source's run before it, and its chain runs over exactly these leaf hashes. The first run shown
   * of a source may be one that others came before: it is where the chain is taken up, and is not counted.
   */
  run(index, run, line) {
    const chain = unbase64(run.chain, HASH_SIZE);
    const before = this.chains.get(run.source);
    this.chains.set(run.source, { index, chain });
    const hashes = (line?.leaves ?? []).map((leaf) => unbase64(leaf, HASH_SIZE));
    if (line && run.first !== null) this.cover.push({ first: run.first, hashes });
    this.gaps.unreachable += run.unreachable?.length ?? 0;
    this.gaps.gaps += run.gaps?.length ?? 0;
    const takenUp = !before && run.previous !== null;
    if (!line || line.run !== index || hashes.length !== (takenUp ? 0 : run.records)) {
      throw new Wrong(`does not have the leaf hashes of its ${run.records} records in ${FILES.runs}`);
    }
    if (takenUp) return;
    if (before && run.previous !== before.index) {
      throw new Wrong(`does not continue run ${before.index} of source ${run.source}: a run between is missing`);
    }
    const found = hashes.reduce(runChain, before ? before.chain : new Uint8Array(HASH_SIZE));
    if (!same(found, chain)) throw new Wrong(`its chain does not run over the ${run.records} records that ${FILES.runs} gives`);
    this.runs += 1;
    this.runRecords += run.records;
  }
}

/** The leaf hashes of the package's runs, asked for in rising order of index. */
export class Cover {
  constructor(runs) {
    this.runs = runs;
    this.at = 0;
  }

  /** The leaf hash that a run gives for this index; null where no run of the package holds it. */
  leafHash(index) {
    while (this.at < this.runs.length && index >= this.runs[this.at].first + this.runs[this.at].hashes.length) this.at += 1;
    const run = this.runs[this.at];
    return run && index >= run.first ? run.hashes[index - run.first] : null;
  }
}
