// The page itself: what the person gives, what was found, and nothing of a package as anything but text.
import { Wrong } from "./bytes.js";
import { fingerprint } from "./note.js";
import { readOutside } from "./policy.js";
import { Stopped, altered, openPoints, verifyPackage } from "./verify.js";
import { MESSAGES } from "./words.js";

const ROWS = 100;
const SLICE_MS = 24;
const MAX_OUTSIDE = 1 << 20;
const SYMBOL = { holds: "\u25cf", fails: "\u25b2", unknown: "\u25cb" };
const $ = (id) => document.getElementById(id);

/** A number as our texts have it: digits in threes from five on. */
const figure = (value) => (value > 9999 ? String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f") : String(value));

function say(key, values = {}) {
  const shown = (name) => (typeof values[name] === "number" ? figure(values[name]) : values[name]);
  return MESSAGES[key].replace(/\{([a-z]+)\}/g, (_, name) => shown(name));
}

/** An element with a text; what comes from a package gets no further than this. */
function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = inert(text);
  if (className) made.className = className;
  return made;
}

/** A text in which what could hide or turn others is made visible: control characters, and marks of direction. */
function inert(text) {
  const shown = (found) => `\u27e8U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  return String(text).replace(/[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Surrogate}/gu, shown);
}

/** Lets the page breathe every few milliseconds, and ends what was stopped. */
class Pace {
  channel = new MessageChannel();
  since = performance.now();
  stopped = false;

  async step() {
    if (this.stopped) throw new Stopped();
    if (performance.now() - this.since < SLICE_MS) return;
    await new Promise((go) => {
      this.channel.port1.onmessage = go;
      this.channel.port2.postMessage(null);
    });
    this.since = performance.now();
  }
}

class Page {
  file = null;
  pace = null;
  records = [];
  shown = [];
  first = 0;

  constructor() {
    $("package").addEventListener("change", () => this.take($("package").files[0]));
    $("outside").addEventListener("input", () => this.outside());
    $("outside-file").addEventListener("change", () => this.takeOutside($("outside-file").files[0]));
    $("again").addEventListener("click", () => this.verify());
    $("alter").addEventListener("click", () => this.alter());
    $("stop").addEventListener("click", () => this.pace && (this.pace.stopped = true));
    $("earlier").addEventListener("click", () => this.turn(-ROWS));
    $("later").addEventListener("click", () => this.turn(ROWS));
    $("only-wrong").addEventListener("change", () => this.choose());
    const main = document.querySelector("main");
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      main.classList.add("over");
    });
    document.addEventListener("dragleave", () => main.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      main.classList.remove("over");
      this.take(event.dataTransfer.files[0]);
    });
    this.outside();
  }

  take(file) {
    if (!file) return;
    this.file = file;
    this.verify();
  }

  async takeOutside(file) {
    if (!file) return;
    $("outside").value = file.size > MAX_OUTSIDE ? "" : await file.text();
    if (this.outside() !== undefined && this.file) this.verify();
  }

  /** What was given from outside, read; undefined where it cannot be. */
  outside() {
    const told = $("outside-read");
    const ready = (whether) => ["again", "alter"].forEach((id) => ($(id).disabled = !whether || !this.file));
    try {
      const policy = readOutside($("outside").value);
      const keys = policy?.logs.map((key) => say("outside.key", { name: key.name, fingerprint: fingerprint(key.text) })) ?? [];
      if (policy && policy.quorum !== "none") {
        keys.push(say("outside.quorum", { quorum: policy.quorum, count: policy.witnesses.size }));
      }
      told.textContent = inert(policy ? say("outside.read", { what: keys.join("; ") }) : say("outside.none"));
      told.className = "muted";
      ready(true);
      return policy;
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      told.textContent = inert(say("outside.wrong", { why: error.message }));
      told.className = "alert";
      ready(false);
      return undefined;
    }
  }

  async alter() {
    if (this.pace) this.pace.stopped = true;
    let copy = null;
    try {
      copy = await altered(this.file, new Pace());
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
    }
    if (copy) await this.verify(copy.blob, say("altered", { at: copy.at }));
    else this.note(say("unalterable"));
  }

  note(text) {
    $("altered").hidden = !text;
    $("altered").textContent = text;
  }

  async verify(blob = this.file, note = "") {
    const outside = this.outside();
    if (outside === undefined) return;
    if (this.pace) this.pace.stopped = true;
    const pace = (this.pace = new Pace());
    this.note(note);
    this.records = [];
    $("result").hidden = true;
    $("sum").textContent = "";
    delete $("sum").dataset.sum;
    $("sum").className = "sum";
    for (const id of ["busy", "stop"]) $(id).hidden = false;
    const verdict = await verifyPackage(blob, outside, {
      pace,
      progress: (step, done, of) => this.progress(pace, step, done, of),
      record: (line, why) => pace === this.pace && this.records.push(rowOf(line, why)),
    });
    if (pace !== this.pace) return; // another verification has begun meanwhile
    this.pace = null;
    for (const id of ["busy", "stop"]) $(id).hidden = true;
    this.show(verdict);
  }

  progress(pace, step, done, of) {
    if (pace !== this.pace || performance.now() - (this.told ?? 0) < 100) return;
    this.told = performance.now();
    $("busy-says").textContent = say(`busy.${step}`, { of });
    $("progress").value = of ? Math.min(1, done / of) : 1;
  }

  show(verdict) {
    const state = { holds: "holds", wrong: "fails" }[verdict.sum] ?? "unknown";
    $("sum").textContent = `${SYMBOL[state]} ${say(`sum.${verdict.sum}`)}`;
    $("sum").className = `sum ${state}`;
    $("sum").dataset.sum = verdict.sum;
    $("lines").replaceChildren(...verdict.lines.map((line) => lineOf(line, verdict)));
    const problems = verdict.problems.map(({ where, what }) => element("li", `${where}: ${what}`));
    if (problems.length >= 50) problems.push(element("li", say("problems.more")));
    fill("problems", problems);
    fill("unchecked", verdict.unchecked.map((one) => element("li", unchecked(one))));
    this.facts(verdict.facts);
    this.proven = ["holds", "partly"].includes(verdict.sum);
    $("only-wrong").checked = false;
    this.choose();
    $("result").hidden = verdict.sum === "stopped";
  }

  facts({ description, root, logKey, fingerprint: digits }) {
    const facts = [
      ["file", this.file.name],
      ["package", description?.package],
      ["origin", description?.origin],
      ["size", description && figure(description.size)],
      ["root", root?.match(/.{4}/g).join(" ")],
      ["log-key", logKey],
      ["fingerprint", digits],
    ].filter(([, value]) => value !== undefined);
    $("facts").replaceChildren(
      ...facts.flatMap(([name, value]) => [element("dt", say(`facts.${name}`)), element("dd", value, "mono")]),
    );
  }

  choose() {
    this.shown = $("only-wrong").checked ? this.records.filter((row) => row.why !== null) : this.records;
    this.first = 0;
    this.turn(0);
  }

  turn(by) {
    const of = this.shown.length;
    this.first = Math.max(0, Math.min(this.first + by, Math.floor(Math.max(of - 1, 0) / ROWS) * ROWS));
    const rows = this.shown.slice(this.first, this.first + ROWS);
    $("records").replaceChildren(...rows.map((row) => tableRow(row, this.proven)));
    $("place").textContent = say("records.page", { from: of && this.first + 1, to: this.first + rows.length, of });
    $("earlier").disabled = this.first === 0;
    $("later").disabled = this.first + ROWS >= of;
  }
}

function fill(id, items) {
  $(id).hidden = !items.length;
  $(id).querySelector("ul").replaceChildren(...items);
}

/** What the table shows of a record; of a line that holds not even that, nothing is made up. */
function rowOf({ index, leaf, body }, why) {
  const record = body.record ?? {};
  const { type, id } = record.object ?? {};
  return [index, leaf.logged_at, record.source, record.action, type && `${type} ${id}`, record.actor?.account, why]
    .reduce((row, value, at) => ({ ...row, [["index", "logged", "source", "what", "object", "who", "why"][at]]: value ?? null }), {});
}

function tableRow(row, proven) {
  const made = element("tr");
  const { index, logged, source, what, object, who, why } = row;
  made.append(element("td", figure(index), "figure"), element("td", logged ?? "", "time"));
  for (const value of [source, what, object, who]) made.append(element("td", value ?? ""));
  const state = why !== null ? "fails" : proven ? "holds" : "unknown";
  const words = { holds: "records.proven", unknown: "records.consistent", fails: "state.fails" }[state];
  made.append(element("td", `${SYMBOL[state]} ${say(words)}${why === null ? "" : `: ${why}`}`, state));
  return made;
}

const unchecked = ({ what, count }) => say(`unchecked.${what}`, { count });

function lineOf({ name, state }, verdict) {
  const item = element("li");
  item.dataset.line = name;
  item.dataset.state = state;
  const body = element("div");
  const says = element("p");
  says.append(element("strong", `${say(`line.${name}`)}. `), state === "holds" ? sentence(name, verdict) : reason(name, state, verdict));
  body.append(says, element("p", say("not-proven", { what: say(`line.${name}.not`) }), "not"));
  item.append(element("span", `${SYMBOL[state]} ${say(`state.${state}`)}`, `state ${state}`), body);
  return item;
}

function sentence(name, { facts }) {
  const { origin, size, records } = facts.description;
  const date = facts.by == null ? "" : `${new Date(facts.by * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const names = facts.witnesses?.join(", ") ?? "";
  return inert(say(`line.${name}.says`, { origin, size, records, runs: facts.runs, held: facts.runRecords, covered: facts.covered, date, names }));
}

function reason(name, state, verdict) {
  if (state === "fails") return say("why.problems", { count: verdict.problems.filter((one) => one.line === name).length || 1 });
  if (verdict.sum === "wrong") return say("why.else");
  if (!verdict.authenticated) return say("why.key");
  const left = verdict.unchecked.filter((one) => one.line === name);
  const open = openPoints(verdict.facts).map(([what, count]) => say(`open.${what}`, { count }));
  const reasons = [
    ...(name === "complete" && !verdict.facts.runs ? [say("why.runs")] : []),
    ...(name === "complete" && open.length ? [sentence(name, verdict), say("why.open", { what: open.join("; ") })] : []),
    ...(left.length ? [say("why.unchecked", { what: left.map(unchecked).join("; ") })] : []),
    ...(name === "date" && verdict.facts.by == null ? [say("why.date")] : []),
  ];
  return reasons.join(" ");
}

new Page();
