// What the person brings from outside the package: verifier keys, or a policy of C2SP tlog-policy.
import { Wrong, quoted } from "./bytes.js";
import { COSIGNATURE, ED25519, MLDSA, checkable, checkpointOf, decimal, openCheckpoint, parseKey, parseNote } from "./note.js";

/** Reads a field's text: a key a line, or a policy's lines; null for an empty one. Raises Wrong, naming the line. */
export function readOutside(text) {
  const lines = text.split(/\r?\n/).map((line) => line.split(/[ \t]+/).filter(Boolean));
  const said = lines.map((words, at) => ({ words, at: at + 1 })).filter(({ words }) => words.length && !words[0].startsWith("#"));
  if (!said.length) return null;
  const policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: null, keys: new Set(), grouped: new Set() };
  const bare = said.every(({ words }) => words.length === 1);
  for (const { words, at } of said) {
    try {
      if (bare) addKey(policy, words[0], [ED25519, MLDSA]);
      else line(policy, words);
    } catch (error) {
      if (error instanceof Wrong) throw new Wrong(`line ${at}: ${error.message}`);
      throw error;
    }
  }
  if (bare) policy.quorum = "none";
  if (policy.quorum === null) throw new Wrong("has no line that begins with quorum");
  return policy;
}

function addKey(policy, text, kinds) {
  const key = parseKey(text);
  if (!kinds.includes(key.kind)) throw new Wrong(`the key of ${quoted(key.name)} is not of a kind that signs this`);
  if (policy.keys.has(text)) throw new Wrong(`the key ${quoted(text)} occurs twice`);
  policy.keys.add(text);
  if (kinds.includes(ED25519)) policy.logs.push(key);
  return key;
}

function line(policy, [what, ...words]) {
  if (what === "log" && [1, 2].includes(words.length)) {
    // The format lets a log have a key of any kind; one that no log signs with is never met.
    addKey(policy, words[0], [ED25519, COSIGNATURE, MLDSA]);
  } else if (what === "witness" && [2, 3].includes(words.length)) {
    define(policy, words[0]);
    policy.witnesses.set(words[0], addKey(policy, words[1], [COSIGNATURE, MLDSA]));
  } else if (what === "group" && words.length >= 2) {
    group(policy, words);
  } else if (what === "quorum" && words.length === 1) {
    if (policy.quorum !== null) throw new Wrong("the quorum is already set");
    if (words[0] !== "none") defined(policy, words[0]);
    policy.quorum = words[0];
  } else {
    throw new Wrong(`${quoted([what, ...words].join(" "))} is no line of a policy`);
  }
}

function group(policy, [name, threshold, ...members]) {
  define(policy, name);
  if (!members.length) throw new Wrong(`group ${quoted(name)} has no member`);
  for (const member of members) {
    defined(policy, member);
    if (policy.grouped.has(member)) throw new Wrong(`${quoted(member)} is already a member of a group`);
    policy.grouped.add(member);
  }
  const least = threshold === "all" ? members.length : threshold === "any" ? 1 : decimal(threshold);
  if (least < 1 || least > members.length) throw new Wrong(`group ${quoted(name)} asks for ${least} of ${members.length}`);
  policy.groups.set(name, { least, members });
}

function define(policy, name) {
  if (name === "none" || policy.witnesses.has(name) || policy.groups.has(name)) throw new Wrong(`the name ${quoted(name)} is taken`);
}

function defined(policy, name) {
  if (!policy.witnesses.has(name) && !policy.groups.has(name)) throw new Wrong(`${quoted(name)} is not defined above`);
}

/** Whether these names are the quorum of what `name` asks for. */
function met(policy, name, seen) {
  if (name === "none") return true;
  const found = policy.groups.get(name);
  if (!found) return seen.has(name);
  return found.members.filter((member) => met(policy, member, seen)).length >= found.least;
}

/**
 * Whether the policy trusts a checkpoint: a key of its log, every known line, the quorum; raises Wrong where it does
 * not. `unchecked`: keys of the policy whose lines this page cannot check. `by`: Unix seconds by which a quorum of
 * witnesses had seen it, or null.
 */
export async function openByPolicy(bytes, policy) {
  const note = parseNote(bytes);
  const { origin } = checkpointOf(note.text);
  const own = policy.logs.filter((key) => key.name === origin);
  if (!own.length) throw new Wrong(`is of the log ${quoted(origin)}, of which no key was given`);
  const lines = new Set(note.signatures.map(({ name, id }) => `${name}+${id}`));
  const unchecked = [...own, ...policy.witnesses.values()].filter((key) => !checkable(key) && lines.has(`${key.name}+${key.id}`));
  const witnesses = [...policy.witnesses.values()].filter(checkable);
  const present = own.filter(checkable);
  // Where all depends on lines that this page cannot check, nothing is wrong, and nothing is vouched for either.
  const unjudged = { unchecked, authenticated: false, names: [], by: null };
  if (!present.length) return unjudged;
  const found = await openCheckpoint(bytes, origin, present, witnesses);
  const at = new Map(found.signed.map(({ key, time }) => [key, time]));
  const seen = [...policy.witnesses].filter(([, key]) => at.has(key)).map(([name, key]) => ({ name, time: at.get(key) }));
  const names = new Set(seen.map(({ name }) => name));
  if (!met(policy, policy.quorum, names)) {
    if (unchecked.length) return unjudged;
    throw new Wrong(`is not cosigned by the witnesses that quorum ${policy.quorum} asks for`);
  }
  const by = policy.quorum === "none" ? null : earliest(policy, seen);
  return { unchecked, authenticated: true, names: [...names], by };
}

/** The first moment at which those who had seen it by then were a quorum. */
function earliest(policy, seen) {
  const times = seen.map(({ time }) => time).sort((one, other) => one - other);
  return times.find((time) => met(policy, policy.quorum, new Set(seen.filter((one) => one.time <= time).map((one) => one.name))));
}
