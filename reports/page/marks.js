// What is said beside records: entered by hand, corrected, excluded; by entries of the package's own log.
import { Wrong, quoted } from "./bytes.js";
import { bodyOf } from "./lines.js";
import { flag, integer, maybe, one, optional, record, text } from "./shape.js";

const OVER = ["checked", "refused"];
const string = text();
const HAND = {
  ...{ schema: one("by-hand/1"), hand: string, event: string, record: integer() },
  authority: record({ actor: string, authenticated: flag }, true),
  ...{ corrects: optional(maybe(string)), needs_check: optional(flag) },
};
const EXCLUSION = {
  ...{ schema: one("exclusion/1"), exclusion: string, event: string, members: string, justification: string },
  evaluation: record({ sort: one("assessment", "review", "calculation"), name: string }, true),
};

export class Marks {
  constructor(origin) {
    this.origin = origin;
    this.hands = new Map();
    this.of = new Map();
    this.corrected = new Map();
    this.excluded = new Map();
  }

  enter(line, role) {
    if (role === "by-hand") this.hand(line.value.index, bodyOf(line, HAND));
    else this.exclusion(line.value.index, bodyOf(line, EXCLUSION));
  }

  /** Raises Wrong where a record shows other marks than the entries give. */
  check(index, byHand, shown) {
    const mine = this.of.get(index);
    if (byHand && !mine) throw new Wrong("its source is entered by hand, and the entry that says who did is not there");
    const due = {
      by_hand: mine?.state ?? null,
      corrects: mine?.entered.corrects ?? null,
      corrected_by: this.corrected.get(`${this.origin}#${index}`) ?? [],
      excluded: [...this.excluded.values()].filter((one) => holds(one.members, index)).map((one) => one.entry),
    };
    const none = due.by_hand === null && due.corrects === null && !due.corrected_by.length && !due.excluded.length;
    const given = shown && { by_hand: null, corrects: null, corrected_by: [], excluded: [], ...shown };
    const form = (marks) => JSON.stringify([marks.by_hand, marks.corrects, marks.corrected_by, marks.excluded]);
    if (none ? given !== null : given === null || form(given) !== form(due)) {
      throw new Wrong("does not say that it was entered by hand, corrected or excluded as the entries do");
    }
  }

  hand(index, body) {
    const known = this.hands.get(body.hand);
    if (!body.authority.authenticated) throw new Wrong(`${body.authority.actor} is nobody who is known`);
    if (body.event === "entered") {
      if (known || index !== body.record + 1) {
        throw new Wrong("does not stand directly after the record that it says was entered");
      }
      const made = { entered: body, state: body.needs_check ? "to-check" : "entered" };
      this.hands.set(body.hand, made);
      this.of.set(body.record, made);
      const corrects = body.corrects ?? null;
      if (corrects !== null) this.corrected.set(corrects, [...(this.corrected.get(corrects) ?? []), body.record]);
      return;
    }
    const over = (state) => OVER.includes(state);
    if (!known || known.entered.record !== body.record || over(known.state) || !over(body.event)) {
      throw new Wrong(`nothing was entered by hand as ${quoted(body.hand)} that this could happen to`);
    }
    if (known.entered.authority.actor === body.authority.actor) {
      throw new Wrong(`${body.authority.actor} entered it, and does not check it`);
    }
    known.state = body.event;
  }

  exclusion(entry, body) {
    const known = this.excluded.get(body.exclusion);
    if (body.event === "excluded" && !known) {
      this.excluded.set(body.exclusion, { entry, text: body.members, members: runsOf(body.members), lifted: false });
    } else if (body.event === "lifted" && known && !known.lifted && known.text === body.members) {
      known.lifted = true;
    } else {
      throw new Wrong(`there is no exclusion ${quoted(body.exclusion)} that this could happen to`);
    }
  }
}

const RUN = /^(0|[1-9][0-9]{0,15})(?:\+([1-9][0-9]{0,15}))?$/;

/** The runs of a set that a text tells: each by its distance from the end of the one before, and how many follow. */
function runsOf(text) {
  const wrong = () => new Wrong("does not tell a set of entries");
  let last = -2;
  return text.split(",").map((part) => {
    const found = RUN.exec(part);
    if (!found) throw wrong();
    const low = Math.max(last, 0) + Number(found[1]);
    const high = low + Number(found[2] ?? 0);
    if (low < Math.max(last + 2, 0) || !Number.isSafeInteger(high)) throw wrong();
    last = high;
    return [low, high];
  });
}

const holds = (runs, index) => runs.some(([low, high]) => low <= index && index <= high);
