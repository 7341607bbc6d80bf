// JSON that has one byte form: RFC 8785, whose rules for strings and numbers are JavaScript's own.
import { Wrong, fromUtf8 } from "./bytes.js";

const MAX_DEPTH = 64;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The one form of a value; raises Wrong for what has none. */
export function canonical(value, depth = 0) {
  if (typeof value === "string") {
    if (LONE_SURROGATE.test(value)) throw new Wrong("holds a lone surrogate, which is not a character");
    return JSON.stringify(value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Wrong("holds a number beyond what a double holds");
    return JSON.stringify(value);
  }
  if (depth >= MAX_DEPTH) throw new Wrong(`is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, depth + 1)).join(",")}]`;
  return written(membersOf(value, depth));
}

/** The members of an object in their order, each value in its one form. */
function membersOf(value, depth) {
  // The default order of strings is by UTF-16 code units, as RFC 8785 wants it.
  return new Map(Object.keys(value).sort().map((name) => [name, canonical(value[name], depth + 1)]));
}

function written(members) {
  return `{${[...members].map(([name, text]) => `${canonical(name)}:${text}`).join(",")}}`;
}

/** The value of bytes that are canonical; raises Wrong for any others. */
export function readCanonical(bytes) {
  const text = fromUtf8(bytes);
  const value = parsed(text);
  if (canonical(value) !== text) throw new Wrong("is not JSON in canonical form (RFC 8785)");
  return value;
}

/** A canonical object, and of each member the very text that stands there. */
export function readObject(bytes) {
  const text = fromUtf8(bytes);
  const value = parsed(text);
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Wrong("is no JSON object");
  const texts = membersOf(value, 0);
  if (written(texts) !== text) throw new Wrong("is not JSON in canonical form (RFC 8785)");
  return { value, texts };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Wrong("is not JSON");
  }
}
