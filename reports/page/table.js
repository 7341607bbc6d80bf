// The file `records.csv`, made again from the records, cell by cell as the terminal makes it.
import { Wrong, utcText } from "./bytes.js";
import { CONSTANTS } from "./constants.js";
import { object } from "./shape.js";

const { columns, withheld: WITHHELD, none: NONE, empty: EMPTY } = CONSTANTS.table;
const WORDS = [WITHHELD, NONE, EMPTY];
const NUMBER = /^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
const isSealed = (value) => object(value) && Object.hasOwn(value, "sealed");

export const header = () => `\ufeff${encoded(columns)}`;

/** The rows of one record, a change each; `line` is its line, `leaf64` its leaf's hash. */
export function rows(line, leaf, leaf64) {
  const { body, why } = line;
  const { record } = body;
  const disclosed = new Map((line.sealed ?? []).map((one) => [one.member, one.value]));
  const open = (member, value) => (isSealed(value) && disclosed.has(member) ? disclosed.get(member) : value);
  const head = [
    String(line.index),
    leaf.logged_at,
    safe(record.occurred_at.text),
    utc(record.occurred_at),
    utc(record.source_recorded_at),
    body.received_at,
    safe(record.source),
    safe(record.source_record_id),
    record.action,
    record.outcome ?? "success",
    named(record.actor.account),
    record.actor.kind,
    named(open("actor.name", record.actor.name)),
    named(record.actor.role),
    named(record.actor.workstation),
    safe(record.object.type),
    safe(record.object.id),
    named(open("object.name", record.object.name)),
  ];
  const tail = [
    named(open("reason", record.reason)),
    safe((record.links ?? []).map((link) => `${link.kind}=${link.id} (${link.basis})`).join("; ")),
    line.basis,
    named(why?.equipment),
    why?.after ?? "",
    why?.before ?? "",
    why ? String(why.certain ?? true) : "",
    safe(line.imported ?? ""),
    line.mark ?? "",
    leaf64,
  ];
  const changes = record.changes?.length ? record.changes : [null];
  return changes.map((change) => encoded([...head, ...cellsOf(change, open), ...tail])).join("");
}

function cellsOf(change, open) {
  if (change === null) return Array(7).fill("");
  const side = (name) => cell(open(`changes.${change.attribute}.${name}`, change[name]));
  return [
    safe(change.attribute),
    side("old"),
    side("new"),
    named(change.unit),
    change.inferred?.after ?? "",
    change.inferred?.before ?? "",
    change.gap ? "true" : "false",
  ];
}

/** A value as a cell: empty where the source gave none, and never a formula. */
function cell(value) {
  if (value === undefined) return "";
  if (value === null) return NONE;
  if (isSealed(value)) return WITHHELD;
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "string" && !Number.isSafeInteger(value)) throw new Wrong("discloses a value that is no text, number or flag");
  return safe(String(value)) || EMPTY;
}

const named = (value) => (value === undefined || value === null ? "" : cell(value));

/** The text as a cell that no spreadsheet computes and that is no word of ours. */
function safe(text) {
  const first = text.slice(0, 1);
  const formula = first !== "" && CONSTANTS.table.formula.includes(first) && !NUMBER.test(text);
  return formula || WORDS.includes(text) ? `'${text}` : text;
}

function utc(time) {
  if (!time || typeof time.instant_us !== "number") return "";
  return utcText(time.instant_us) ?? "";
}

const encoded = (cells) => `${cells.map((one) => `"${one.replaceAll('"', '""')}"`).join(",")}\r\n`;
