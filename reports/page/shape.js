// What a value read from a package has to look like: a kind is a function that says whether a value is one.
import { Wrong } from "./bytes.js";

export const text = (most = Infinity, least = 0) => (value) =>
  typeof value === "string" && value.length >= least && (value.length <= most || [...value].length <= most);
export const integer = (least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER) => (value) =>
  Number.isSafeInteger(value) && value >= least && value <= most;
export const isIndex = integer(0);
export const flag = (value) => typeof value === "boolean";
export const name = text(512, 1);
export const long = text(262144);
export const digest = (value) => typeof value === "string" && value.length === 44;
export const anything = () => true;
export const object = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
export const one = (...values) => (value) => values.includes(value);
export const either = (...kinds) => (value) => kinds.some((kind) => kind(value));
export const maybe = (kind) => (value) => value === null || kind(value);
export const list = (kind, most = Infinity) => (value) =>
  Array.isArray(value) && value.length <= most && value.every(kind);
/** A member that may be missing. */
export const optional = (kind) => Object.assign((value) => kind(value), { optional: true });
/** An object with these members; others are allowed where it is `open`. */
export const record = (members, open = false) => (value) =>
  object(value) && !misfit(value, members, open);

/** The first member that is not as it should be, or null. */
function misfit(value, members, open) {
  for (const [member, kind] of Object.entries(members)) {
    if (Object.hasOwn(value, member) ? !kind(value[member]) : !kind.optional) return member;
  }
  return open ? null : Object.keys(value).find((member) => !Object.hasOwn(members, member)) ?? null;
}

/** The value, if it is an object with these members; raises Wrong, naming the first that is not right. */
export function shaped(value, members, open = false) {
  if (!object(value)) throw new Wrong("is no object");
  const member = misfit(value, members, open);
  if (member !== null) throw new Wrong(`has a member ${JSON.stringify(member.slice(0, 60))} that is not as it has to be`);
  return value;
}
