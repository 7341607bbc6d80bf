// By which rules records belong to the batch: each interval has to be what its rule makes of the records that start and
// stop it, and each record that is derived has to lie in its interval as it is said to.
import { Wrong, instantOf } from "./bytes.js";
import { CONSTANTS } from "./constants.js";
import { PARAMETER_BODY, bodyOf } from "./lines.js";
import { integer, list, name, optional, shaped } from "./shape.js";

const SECOND = 1_000_000;
const PRECISION = CONSTANTS.precisionUs;
const seconds = optional(integer(0));
const names = optional(list(name));
const OCCUPATION = {
  lead_s: seconds,
  tail_s: seconds,
  before_types: names,
  before_max_s: seconds,
  after_types: names,
  after_max_s: seconds,
};
const NO_RULE = { lead_s: 0, tail_s: 0, before_types: [], before_max_s: 0, after_types: [], after_max_s: 0 };

/** When the record happened, as an interval (µs UTC); null where its source names no instant. */
function occurred(body) {
  const claimed = body.record.occurred_at;
  if (typeof claimed.instant_us !== "number") return null;
  const low = claimed.instant_us;
  const high = low + PRECISION[claimed.precision] - 1;
  const clock = body.clock;
  if (!clock) return { low, high };
  return { low: low - clock.offset_us - clock.uncertainty_us, high: high - clock.offset_us + clock.uncertainty_us };
}

/** Between which two looks of its collector the record happened, where its source names no instant. */
export function looked(body) {
  if (typeof body.record.occurred_at.instant_us === "number") return null;
  const looks = (body.record.changes ?? []).map((change) => change.inferred).filter(Boolean);
  if (!looks.length) return null;
  try {
    const low = looks.map((one) => instantOf(one.after)).reduce((one, other) => Math.min(one, other));
    const high = looks.map((one) => instantOf(one.before)).reduce((one, other) => Math.max(one, other));
    return low <= high ? { low, high } : null;
  } catch (error) {
    if (error instanceof Wrong) return null;
    throw error;
  }
}

/** A pair of a moment and an entry that comes before another one. */
const before = (one, other) => one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);
const least = (one, other) => (before(other, one) ? other : one);
const most = (one, other) => (before(one, other) ? other : one);

export class Rules {
  /** `said`: how many rules the package says that it holds; undefined: it is from before there were any. */
  constructor(said) {
    this.said = said ?? null;
    this.rules = new Map();
    this.edges = new Map();
    this.types = new Set();
    this.bounds = [];
    this.told = new Map();
  }

  get complete() {
    return this.rules.size === (this.said ?? 0);
  }

  /** Takes the entry of a rule. */
  enter(line) {
    const body = bodyOf(line, PARAMETER_BODY);
    if (body.name !== "occupation" || body.value === null) throw new Wrong("sets no rule of what belongs to a batch");
    let given;
    try {
      given = JSON.parse(body.value);
    } catch {
      throw new Wrong("sets a rule that is not JSON");
    }
    const rule = { ...NO_RULE, ...shaped(given, OCCUPATION) };
    this.rules.set(line.value.index, rule);
    for (const type of [...rule.before_types, ...rule.after_types]) this.types.add(type);
  }

  /** Takes a record. */
  record({ index, why }, body) {
    if (this.said === null) return;
    const span = occurred(body) ?? looked(body);
    if (span) {
      if (["start", "stop"].includes(body.record.action)) this.edges.set(index, span);
      if (this.types.has(body.record.object.type)) this.bounds.push({ type: body.record.object.type, ...span });
    }
    if (why) this.derived(index, why, span);
  }

  derived(index, why, span) {
    const rule = why.rule ?? null;
    if (rule !== null && !this.rules.has(rule)) throw new Wrong(`follows the rule in entry ${rule}, which is not there`);
    if (!span) throw new Wrong("is to have happened in an interval, and nothing says when it did");
    const low = instantOf(why.after);
    const high = why.before == null ? null : instantOf(why.before);
    if (span.high < low || (high !== null && span.low > high)) {
      throw new Wrong("happened outside the interval by which it is to belong");
    }
    const interval = { startedBy: why.started_by, stoppedBy: why.stopped_by ?? null, after: why.after, before: why.before ?? null, rule };
    const phase = why.phase ?? "during";
    const key = JSON.stringify([Object.values(interval), phase]);
    const [first, last] = [[span.low, index], [span.high, index]];
    const known = this.told.get(key) ?? { interval, phase, earliestLow: first, latestLow: first, earliestHigh: last, latestHigh: last };
    known.earliestLow = least(known.earliestLow, first);
    known.latestLow = most(known.latestLow, first);
    known.earliestHigh = least(known.earliestHigh, last);
    known.latestHigh = most(known.latestHigh, last);
    this.told.set(key, known);
  }

  /** What does not hold once all records went by: pairs of an entry and why. */
  *wrong() {
    for (const { interval, phase, ...told } of this.told.values()) {
      const start = this.edges.get(interval.startedBy);
      const stop = interval.stoppedBy === null ? null : this.edges.get(interval.stoppedBy);
      if (!start || stop === undefined) continue; // that these are the start and the stop is checked of itself
      const index = told.earliestLow[1];
      const rule = interval.rule === null ? NO_RULE : this.rules.get(interval.rule);
      if (!this.leads(rule, start, instantOf(interval.after))) {
        yield [index, "belongs from a moment on that neither its rule nor a record of the package gives"];
      }
      if ((interval.before === null) !== (stop === null) || (stop && !this.trails(rule, stop, instantOf(interval.before)))) {
        yield [index, "belongs up to a moment that neither its rule nor a record of the package gives"];
      }
      yield* misplaced(phase, told, start, stop);
    }
  }

  leads(rule, start, low) {
    if (low === start.low - rule.lead_s * SECOND) return true;
    const reach = start.low - rule.before_max_s * SECOND;
    return this.bounds.some((one) => rule.before_types.includes(one.type) && one.low === low && reach <= low && low <= start.low);
  }

  trails(rule, stop, high) {
    if (high === stop.high + rule.tail_s * SECOND) return true;
    const reach = stop.low + rule.after_max_s * SECOND;
    return this.bounds.some(
      (one) => rule.after_types.includes(one.type) && one.high === high && stop.low <= one.low && one.low <= reach,
    );
  }
}

function* misplaced(phase, told, start, stop) {
  if (phase === "before" && told.latestHigh[0] >= start.low) {
    yield [told.latestHigh[1], "is said to have happened before the equipment was had, and did not"];
  } else if (phase === "after" && (stop === null || told.earliestLow[0] <= stop.high)) {
    yield [told.earliestLow[1], "is said to have happened after the equipment was had, and did not"];
  } else if (phase === "during") {
    if (told.earliestHigh[0] < start.low) {
      yield [told.earliestHigh[1], "is said to have happened while the equipment was had, and was before"];
    }
    if (stop !== null && told.latestLow[0] > stop.high) {
      yield [told.latestLow[1], "is said to have happened while the equipment was had, and was after"];
    }
  }
}
