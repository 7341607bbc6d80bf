// Bytes and texts, each read in its one correct spelling or not at all.

/**
 * What is wrong with a package: the message is a phrase that goes on from the name of a file or an entry. `line`: which
 * of the verdict's lines it is about, where that is another one than whoever catches it would say.
 */
export class Wrong extends Error {
  constructor(message, line) {
    super(message);
    this.line = line;
  }
}

export const HASH_SIZE = 32;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUE = new Int8Array(128).fill(-1);
for (let at = 0; at < 64; at++) VALUE[ALPHABET.charCodeAt(at)] = at;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text) {
  return encoder.encode(text);
}

/** The text of bytes that are UTF-8; a byte order mark stays a character. */
export function fromUtf8(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Wrong("is not UTF-8");
  }
}

/** Standard base64 (RFC 4648 section 4). */
export function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const bits = (bytes[at] << 16) | ((left > 1 ? bytes[at + 1] : 0) << 8) | (left > 2 ? bytes[at + 2] : 0);
    text += ALPHABET[bits >> 18] + ALPHABET[(bits >> 12) & 63];
    text += (left > 1 ? ALPHABET[(bits >> 6) & 63] : "=") + (left > 2 ? ALPHABET[bits & 63] : "=");
  }
  return text;
}

/** Decodes base64 only in its one spelling, and only to `size` bytes where given. */
export function unbase64(text, size) {
  const wrong = () => new Wrong(`holds what is not strict base64: ${quoted(text)}`);
  if (typeof text !== "string" || text.length % 4) throw wrong();
  const pad = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - pad);
  if (size !== undefined && bytes.length !== size) {
    throw new Wrong(`holds base64 of ${bytes.length} bytes where ${size} are due`);
  }
  for (let at = 0, to = 0; at < text.length; at += 4) {
    let bits = 0;
    for (let part = 0; part < 4; part++) {
      const code = text.charCodeAt(at + part);
      let value = code < 128 ? VALUE[code] : -1;
      if (value < 0 && at + part >= text.length - pad) value = 0;
      if (value < 0) throw wrong();
      bits = (bits << 6) | value;
    }
    // Bits that no byte holds have to be zero: else two spellings would give the same bytes.
    if (at + 4 === text.length && pad && bits & (pad === 2 ? 0xffff : 0xff)) throw wrong();
    for (let shift = 16; shift >= 0 && to < bytes.length; shift -= 8) bytes[to++] = (bits >> shift) & 255;
  }
  return bytes;
}

export function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}

export function joined(...parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function same(one, other) {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

/** A text from a package inside one of our sentences: short, and with what could change the line made visible. */
export function quoted(text) {
  return JSON.stringify(String(text).slice(0, 100));
}

const INSTANT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/;

/** Microseconds since 1970 of an instant in the only form that entries use: `2026-11-25T07:10:06.123456Z`. */
export function instantOf(text) {
  if (typeof text === "string" && INSTANT.test(text)) {
    const ms = Date.parse(`${text.slice(0, 23)}Z`);
    const us = ms * 1000 + Number(text.slice(23, 26));
    if (text >= "0001" && Number.isSafeInteger(us) && utcText(us) === text) return us;
  }
  throw new Wrong(`has ${quoted(text)} where an instant is due`);
}

/** The text of an instant; null for one beyond the years 1 to 9999. */
export function utcText(us) {
  const ms = Math.floor(us / 1000);
  const date = new Date(ms);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999) return null;
  return `${date.toISOString().slice(0, 23)}${String(us - ms * 1000).padStart(3, "0")}Z`;
}
