// Signed notes, checkpoints and cosignatures of C2SP, and the policy from outside that they are held against.
import { HASH_SIZE, Wrong, fromUtf8, hex, joined, quoted, unbase64, utf8 } from "./bytes.js";
import { verify } from "./ed25519.js";
import { sha256Of } from "./sha2.js";

export const ED25519 = 1;
export const COSIGNATURE = 4;
export const MLDSA = 6;
const KEY_SIZE = { [ED25519]: 32, [COSIGNATURE]: 32, [MLDSA]: 1312 };
const MAX_SIGNATURES = 100;
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
// What Python's \s is: white space of Unicode, and the separators U+001C to U+001F and U+0085.
const NOT_IN_NAME = /[\s+\u0000-\u001f\u0085]|\p{Surrogate}/u;
const DECIMAL = /^(0|[1-9][0-9]{0,18})$/;
const DASH = "\u2014 ";

/** A note that no known key signed, though none of its lines fails. */
export class Unknown extends Wrong {}

function requireName(name) {
  // \s of JavaScript has U+FEFF, which is none of Python's white space.
  if (!name || NOT_IN_NAME.test(name.replaceAll("\ufeff", "x"))) throw new Wrong(`${quoted(name)} is no name of a key`);
}

export function decimal(text) {
  const value = Number(text);
  if (!DECIMAL.test(text) || !Number.isSafeInteger(value)) throw new Wrong(`${quoted(text)} is no number within bounds`);
  return value;
}

/** A verifier key, written `name+id+base64`. `id` (hex) tells keys of one name apart; it is no fingerprint. */
export function parseKey(text) {
  const [name, id, ...rest] = text.split("+");
  requireName(name);
  const bytes = unbase64(rest.join("+"));
  if (!bytes.length) throw new Wrong(`the key of ${quoted(name)} is incomplete`);
  const kind = bytes[0];
  const due = hex(sha256Of(utf8(`${name}\n`), bytes).subarray(0, 4));
  if (id !== due) throw new Wrong(`the key of ${quoted(name)} has id ${quoted(id ?? "")} where ${due} is due`);
  if (KEY_SIZE[kind] !== bytes.length - 1) throw new Wrong(`the key of ${quoted(name)} is of a kind that is not known here`);
  return { name, id, kind, key: bytes.slice(1), text };
}

/** The parts of a note, unchecked. */
export function parseNote(bytes) {
  const content = fromUtf8(bytes);
  if (CONTROL.test(content)) throw new Wrong("is a note with a control character");
  const blank = content.lastIndexOf("\n\n");
  const lines = content.slice(blank + 2);
  if (blank < 0 || !lines.endsWith("\n")) throw new Wrong("does not end in a blank line and whole lines of signatures");
  const signatures = lines.slice(0, -1).split("\n").map(signatureOf);
  if (signatures.length > MAX_SIGNATURES) throw new Wrong(`has more than ${MAX_SIGNATURES} signatures`);
  return { text: content.slice(0, blank + 1), signatures };
}

function signatureOf(line) {
  const space = line.indexOf(" ", DASH.length);
  if (!line.startsWith(DASH) || space < 0) throw new Wrong("has a line that is no signature");
  const name = line.slice(DASH.length, space);
  requireName(name);
  const bytes = unbase64(line.slice(space + 1));
  if (bytes.length <= 4) throw new Wrong("has a line that holds no signature");
  return { name, id: hex(bytes.subarray(0, 4)), signature: bytes.slice(4) };
}

/** Unix seconds that a cosignature begins with. */
const timeOf = (signature) => new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);

async function verified(key, text, signature) {
  if (key.kind === ED25519) return verify(key.key, text, signature);
  if (signature.length !== 8 + 64) return false;
  const time = timeOf(signature);
  if (time > 2n ** 63n - 1n) return false;
  return verify(key.key, joined(utf8(`cosignature/v1\ntime ${time}\n`), text), signature.subarray(8));
}

/** Whether this file can verify what a key signs: ML-DSA it cannot. */
export const checkable = (key) => key.kind !== MLDSA;

/**
 * The note, only if a known key signed it and no line of a known key fails; with the lines that verified, one a key.
 * Keys that cannot be checked here are not for this: the caller names them.
 */
export async function openNote(bytes, keys) {
  const note = parseNote(bytes);
  const text = utf8(note.text);
  const signed = new Map();
  for (const { name, id, signature } of note.signatures) {
    const known = keys.filter((key) => key.name === name && key.id === id);
    if (!known.length) continue;
    if (known.length > 1) throw new Wrong(`is opened with two keys named ${name}+${id}`);
    if (!(await verified(known[0], text, signature))) throw new Wrong(`has a signature of ${name}+${id} that does not verify`);
    const time = known[0].kind === COSIGNATURE ? Number(timeOf(signature)) : null;
    if (!signed.has(`${name}+${id}`)) signed.set(`${name}+${id}`, { key: known[0], time });
  }
  if (!signed.size) throw new Unknown("bears no signature of a key that is known here");
  return { ...note, signed: [...signed.values()] };
}

/** The checkpoint that a note's text is: three lines at least, each of them written in its one way. */
export function checkpointOf(text) {
  const lines = text.split("\n");
  if (lines.length < 4 || lines.pop() !== "" || lines.includes("")) throw new Wrong("is no checkpoint");
  const [origin, size, root] = lines;
  return { origin, size: decimal(size), root: unbase64(root, HASH_SIZE), root64: root };
}

/** The checkpoint, if one of the log's own keys signed it and no line of a known key fails. */
export async function openCheckpoint(bytes, origin, keys, witnesses = []) {
  const opened = await openNote(bytes, [...keys, ...witnesses]);
  const head = checkpointOf(opened.text);
  if (head.origin !== origin) throw new Wrong(`is a checkpoint of ${quoted(head.origin)}, not of ${quoted(origin)}`);
  if (!opened.signed.some(({ key }) => keys.includes(key))) throw new Unknown("is not signed by a known key of its log");
  return { head, signed: opened.signed };
}

/** The short form of a key that people compare: 128 bits of SHA-256 over its text, in groups of four digits. */
export function fingerprint(key) {
  return hex(sha256Of(utf8(key)).subarray(0, 16)).match(/.{4}/g).join(" ");
}
