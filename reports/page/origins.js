// Where records come from: imported by which import, or collected live, and where their source stood then. Fed with the
// package's entries in order, and then asked of each record.
import { Wrong } from "./bytes.js";
import { RUN_BODY, bodyOf } from "./lines.js";
import { Marks } from "./marks.js";
import { flag, integer, list, maybe, one, optional, record, text } from "./shape.js";

const REVALIDATE = "re-validate";
const string = text();
const number = integer();
const acted = record({ actor: string }, true);
const file = record({ name: string, sha256: string, size: number, stated: flag }, true);
const counts = record({ rows: number, appended: number, duplicates: number, quarantined: number, records: number }, true);
const outcome = record(
  {
    counts,
    first_occurred: maybe(string),
    last_occurred: maybe(string),
    differences: list(record({ what: string, expected: maybe(number), found: number }, true)),
    runs: number,
    last_run: maybe(number),
    chain: maybe(string),
  },
  true,
);
const SOURCE = { schema: one("source/1"), id: string, type: string };
const LIFE = {
  ...{ schema: one("source-life/1"), source: string, event: string, state: string, reason: string },
  ...{ authority: acted, sample: optional(list(number)) },
};
const IMPORT = {
  ...{ schema: one("import/1"), id: string, source: string, event: string, state: string, file, mapped: maybe(number) },
  ...{ mapping: string, continues_in: maybe(string), live_from: maybe(string), authority: acted },
  ...{ begun: maybe(number), outcome: maybe(outcome) },
};
const TRUE_COPY = {
  ...{ schema: one("true-copy/1"), id: string, source: string, finished: number, file, counts, mapped: maybe(number) },
  ...{ mapping: string, statement: string, sample: list(number), compared: flag },
  ...{ explained: list(record({ what: string, why: string }, true)), authority: acted },
};

const parts = (value, ...names) => JSON.stringify(names.map((name) => value[name]));
const fileOf = (value) => parts(value.file, "name", "sha256", "size", "stated");
const countsOf = (value) => parts(value, "rows", "appended", "duplicates", "quarantined", "records");

export class Origins {
  constructor(origin) {
    this.origin = origin;
    this.types = new Map();
    this.lives = new Map();
    this.noticed = new Map();
    this.spans = new Map();
    this.imports = new Map();
    this.marks = new Marks(origin);
    this.imported = this.marked = 0;
  }

  /** Takes the next entry; raises Wrong for one that does not hold. */
  enter(line, role) {
    const { index } = line.value;
    if (role === "source") {
      const body = bodyOf(line, SOURCE);
      this.types.set(body.id, body.type);
    } else if (role === "life") {
      this.life(index, bodyOf(line, LIFE));
    } else if (role === "import") {
      this.import(index, bodyOf(line, IMPORT));
    } else if (role === "true-copy") {
      this.trueCopy(index, bodyOf(line, TRUE_COPY));
    } else if (role === "first-live") {
      this.firstLive(bodyOf(line, RUN_BODY));
    } else if (role === "by-hand" || role === "exclusion") {
      this.marks.enter(line, role);
    }
  }

  /** Takes a collection run: it may belong to an import, or have noticed a change of its source. */
  run(index, run) {
    if (this.noticed.get(index + 1) === run.source && run.first !== null) {
      listed(this.spans, run.source).push([run.first, run.first + run.records]);
    }
    const found = this.at(run.source, index);
    if (!found) return;
    found.runs += 1;
    found.appended += run.records;
    found.duplicates += run.duplicates?.length ?? 0;
    found.quarantined += run.quarantined?.length ?? 0;
    found.last = [index, run.chain];
  }

  /** Takes a record as the package shows it; raises Wrong where it shows another origin or mark. */
  record({ index, body, imported = null, mark = null, marks = null }) {
    const { source } = body.record;
    const type = this.types.get(source);
    if (type === undefined) throw new Wrong(`the registration of its source ${source} is not in the package`);
    const found = this.at(source, index);
    if (!found && (type === "archive" || this.imports.has(source))) {
      throw new Wrong(`its source ${source} is an archive, and the import that it came by is not there`);
    }
    const due = found ? `${this.origin}#${found.begun}` : null;
    if (imported !== due) throw new Wrong(`was imported by ${due}, and is shown as ${imported ?? "collected live"}`);
    const stood = this.markOf(source, index);
    if (mark !== stood) throw new Wrong("does not say where its source stood when it was collected");
    this.marks.check(index, type === "by-hand", marks);
    if (found) this.imported += 1;
    if (stood !== null) this.marked += 1;
  }

  markOf(source, index) {
    const life = (this.lives.get(source) ?? []).findLast((one) => one.index <= index);
    if (life?.state === REVALIDATE) return REVALIDATE;
    return (this.spans.get(source) ?? []).some(([low, high]) => low <= index && index < high) ? REVALIDATE : null;
  }

  /** What does not hold of the imports once all runs went by: pairs of an entry and why. */
  *wrong() {
    for (const found of [...this.imports.values()].flat()) {
      const told = found.outcome?.outcome;
      if (!told) continue;
      const { rows, appended, duplicates, quarantined } = told.counts;
      const held = found.appended + found.duplicates + found.quarantined;
      const counted = [held, found.appended, found.duplicates, found.quarantined];
      if (found.runs === told.runs && counted.join() !== [rows, appended, duplicates, quarantined].join()) {
        yield [found.ended, `counts ${rows} rows, and its runs in this package hold ${held}`];
      }
      if (found.last && found.last[0] === told.last_run && found.last[1] !== told.chain) {
        yield [found.ended, "does not end with the chain of its last run"];
      }
    }
  }

  /** The import that was running at an index. */
  at(source, index) {
    const found = (this.imports.get(source) ?? []).findLast((one) => one.begun <= index);
    return found && (found.ended === null || index < found.ended) ? found : null;
  }

  life(index, body) {
    const lives = listed(this.lives, body.source);
    if (lives.length && lives.at(-1).index >= index) throw new Wrong("does not stand in the order of its source's life");
    lives.push({ index, state: body.state });
    if (body.event === "changed" && body.state === REVALIDATE) this.noticed.set(index, body.source);
  }

  import(index, body) {
    const imports = listed(this.imports, body.source);
    const last = imports.at(-1);
    if (body.event === "begun") {
      if (last && (last.ended === null || last.ended > index)) {
        throw new Wrong(`begins while import ${last.body.id} has not ended`);
      }
      const counted = { runs: 0, appended: 0, duplicates: 0, quarantined: 0, last: null };
      imports.push({ begun: index, body, ended: null, outcome: null, ...counted });
      return;
    }
    if (!last || last.begun !== body.begun || last.ended !== null || index < last.begun) {
      throw new Wrong(`ends import ${body.id}, whose beginning is not there`);
    }
    const same = ["id", "source", "mapping", "mapped", "continues_in", "live_from"];
    const equal = parts(last.body, ...same) === parts(body, ...same) && fileOf(last.body) === fileOf(body);
    if (!equal || !body.outcome) throw new Wrong(`ends import ${body.id} otherwise than it was begun`);
    last.ended = index;
    last.outcome = body;
  }

  trueCopy(index, body) {
    const found = (this.imports.get(body.source) ?? []).find((one) => one.ended === body.finished);
    const said = found?.outcome;
    if (!said || index < body.finished) throw new Wrong(`is about the end of import ${body.id}, which is not there`);
    const names = ["id", "mapped", "mapping"];
    const equal = parts(said, ...names) === parts(body, ...names) && fileOf(said) === fileOf(body);
    if (!equal || countsOf(said.outcome.counts) !== countsOf(body.counts)) {
      throw new Wrong(`states another file, mapping or figures than those that import ${body.id} ended with`);
    }
    const differences = JSON.stringify(said.outcome.differences.map((one) => one.what));
    if (differences !== JSON.stringify(body.explained.map((one) => one.what))) {
      throw new Wrong(`does not explain each difference that import ${body.id} ended with`);
    }
    if ([said, found.body].some((one) => one.authority.actor === body.authority.actor)) {
      throw new Wrong(`was made by ${body.authority.actor}, who imported ${body.id}`);
    }
  }

  firstLive(run) {
    const wanted = [...this.imports.values()].flat().some((one) => one.body.continues_in === run.source);
    if (!wanted || run.previous !== null) {
      throw new Wrong(`is not the first run of a source that goes on where an archive ends: ${run.source}`);
    }
  }
}

/** The list of a key, which is made where there is none. */
export function listed(map, key) {
  if (!map.has(key)) map.set(key, []);
  return map.get(key);
}
