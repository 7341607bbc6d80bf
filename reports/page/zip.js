// A zip that has one reading only, by the rules of the terminal's `strictzip`: the whole container is checked before
// anything is decompressed, so nothing can be hidden in it and no bomb goes off.
import { Wrong, quoted, same } from "./bytes.js";

const MAX_PACKAGE = 2 ** 32 - 2;
const MAX_MEMBERS = 1000;
const MAX_CONTENT = 2 ** 35;
const MAX_RATIO = 200;
const CHUNK = 1 << 18;
const LOCAL = 30;
const CENTRAL = 46;
const END = 22;
const VERSION = 20;
const MADE_BY = (3 << 8) | VERSION;
const DATE = 0x21;
const REGULAR_FILE = 0o100644 * 2 ** 16;
const NAME = /^[A-Za-z0-9._/-]{1,200}$/;

const CRC = new Int32Array(256).map((_, at) => {
  for (let bit = 0; bit < 8; bit++) at = at & 1 ? (at >>> 1) ^ 0xedb88320 : at >>> 1;
  return at;
});

/** The zip's checksum of bytes that go on after those of `crc`; it says nothing against anybody who means harm. */
export function crc32(crc, bytes) {
  let value = ~crc;
  for (let at = 0; at < bytes.length; at++) value = (value >>> 8) ^ CRC[(value ^ bytes[at]) & 255];
  return ~value;
}

async function bytesOf(blob, from, to) {
  return new Uint8Array(await blob.slice(from, to).arrayBuffer());
}

/** An opened package whose container holds every rule; reads its members as streams. `pace` is asked to go on. */
export class StrictZip {
  static async open(blob, pace) {
    const zip = new StrictZip();
    zip.blob = blob;
    zip.pace = pace;
    zip.members = new Map((await container(blob)).map((member) => [member.name, member]));
    return zip;
  }

  /** The content of a member in pieces; the last one has been given only if size and CRC are right. */
  async *stream(name) {
    const member = this.member(name);
    let crc = 0;
    let seen = 0;
    for await (const piece of member.method ? this.inflated(member) : this.stored(member)) {
      crc = crc32(crc, piece);
      seen += piece.length;
      if (seen > member.size) throw new Wrong("holds more bytes than its header says");
      yield piece;
    }
    if (seen !== member.size || crc >>> 0 !== member.crc) {
      throw new Wrong("does not have the size and checksum that its header says");
    }
  }

  /** The whole content of a small member. */
  async read(name, limit) {
    const { size } = this.member(name);
    if (size > limit) throw new Wrong(`is larger than the ${limit} bytes it may have`);
    const bytes = new Uint8Array(size);
    let at = 0;
    for await (const piece of this.stream(name)) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** The lines of a member, without their LF. */
  async *lines(name, limit) {
    let parts = [];
    let held = 0;
    let number = 1;
    const due = (length) => {
      if (length > limit) throw new Wrong(`line ${number} is larger than the ${limit} bytes it may have`);
    };
    for await (const piece of this.stream(name)) {
      let from = 0;
      for (let to = piece.indexOf(10); to >= 0; from = to + 1, to = piece.indexOf(10, from)) {
        due(held + to - from);
        parts.push(piece.subarray(from, to));
        yield joinedParts(parts, held + to - from);
        await this.pace.step();
        parts = [];
        held = 0;
        number += 1;
      }
      held += piece.length - from;
      due(held);
      if (from < piece.length) parts.push(piece.subarray(from));
    }
    if (held) throw new Wrong(`ends within line ${number}`);
  }

  member(name) {
    const member = this.members.get(name);
    if (!member) throw new Wrong("is missing");
    return member;
  }

  async *stored(member) {
    for (let at = member.start, end = at + member.packed; at < end; at += CHUNK) {
      yield await bytesOf(this.blob, at, Math.min(at + CHUNK, end));
      await this.pace.step();
    }
  }

  async *inflated(member) {
    const packed = this.blob.slice(member.start, member.start + member.packed);
    const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    try {
      for (;;) {
        let next;
        try {
          next = await reader.read();
        } catch {
          // Also what is cut short, and bytes after the end of the stream.
          throw new Wrong("is not one complete deflate stream");
        }
        if (next.done) return;
        yield next.value;
        await this.pace.step();
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
}

function joinedParts(parts, length) {
  if (parts.length === 1) return parts[0];
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The members, in order; reads headers only. */
async function container(blob) {
  const total = blob.size;
  if (total <= END || total > MAX_PACKAGE) throw new Wrong(`a file of ${total} bytes is no package`);
  const end = new DataView((await bytesOf(blob, total - END, total)).buffer);
  const [disk, first, here, count] = [4, 6, 8, 10].map((at) => end.getUint16(at, true));
  const [mark, length, at] = [0, 12, 16].map((place) => end.getUint32(place, true));
  if (mark !== 0x06054b50 || end.getUint16(20, true) || disk || first || here !== count) {
    throw new Wrong("the file does not end in the one end record that a package has");
  }
  if (at + length !== total - END) throw new Wrong("the central directory is not where the end record says");
  if (count < 1 || count > MAX_MEMBERS) throw new Wrong(`the package says it has ${count} files`);
  const directory = await bytesOf(blob, at, at + length);
  const members = [];
  let place = 0;
  let cursor = 0;
  for (let number = 0; number < count; number++) {
    const member = await memberAt(blob, directory, place, cursor, at);
    members.push({ ...member, local: cursor, central: at + place });
    place += CENTRAL + member.name.length;
    cursor = member.start + member.packed;
  }
  if (place !== directory.length || cursor !== at) {
    throw new Wrong("there are bytes in the package that belong to no file");
  }
  checkNames(members.map((member) => member.name));
  if (members.reduce((sum, member) => sum + member.size, 0) > MAX_CONTENT) {
    throw new Wrong(`the files together are larger than ${MAX_CONTENT} bytes`);
  }
  return members;
}

/** One member from its central header at `place`, whose local header must lie at `cursor`. */
async function memberAt(blob, directory, place, cursor, end) {
  if (place + CENTRAL > directory.length) throw new Wrong("the central directory ends early");
  const view = new DataView(directory.buffer, directory.byteOffset + place, CENTRAL);
  const [madeBy, needs, flags, method, time, date] = [4, 6, 8, 10, 12, 14].map((at) => view.getUint16(at, true));
  const [mark, crc, packed, size, outer, at] = [0, 16, 20, 24, 38, 42].map((one) => view.getUint32(one, true));
  const [names, extra, comment, disk, inner] = [28, 30, 32, 34, 36].map((one) => view.getUint16(one, true));
  const raw = directory.subarray(place + CENTRAL, place + CENTRAL + names);
  if (mark !== 0x02014b50 || raw.length !== names) throw new Wrong("the central directory is torn");
  const name = Array.from(raw.subarray(0, 220), (byte) => String.fromCharCode(byte)).join("");
  const parts = name.split("/");
  if (names > 200 || !NAME.test(name) || parts.some((part) => ["", ".", ".."].includes(part))) {
    throw new Wrong(`${quoted(name)} cannot be the name of a file in a package`);
  }
  const fail = (what) => new Wrong(`${name} ${what}`);
  if (flags & 1) throw fail("is encrypted");
  if (method !== 0 && method !== 8) throw fail(`is compressed by method ${method}; stored and deflate are allowed`);
  if (extra || comment) throw fail("has an extra field or a comment");
  if (outer !== REGULAR_FILE) throw fail("is no regular file");
  if (madeBy !== MADE_BY || needs !== VERSION || flags || time || date !== DATE || disk || inner) {
    throw fail("has a value in its header that a package never has");
  }
  if (method === 0 && packed !== size) throw fail("is stored, but its two sizes differ");
  if (size > MAX_RATIO * packed) throw fail(`would grow by more than ${MAX_RATIO} times`);
  if (at !== cursor) throw fail("does not begin where the file before it ends");
  const start = cursor + LOCAL + names;
  const local = new Uint8Array(LOCAL + names);
  const header = new DataView(local.buffer);
  header.setUint32(0, 0x04034b50, true);
  // From the version that is needed to the length of the name, a local header repeats the central one.
  local.set(directory.subarray(place + 6, place + 30), 4);
  local.set(raw, LOCAL);
  if (!same(await bytesOf(blob, cursor, start), local)) throw fail("has two headers that differ");
  if (start + packed > end) throw fail("reaches beyond the files' part of the package");
  return { name, method, crc, packed, size, start };
}

/** Names are unique on any file system: after case folding, and none is the folder of another. */
function checkNames(names) {
  const folded = new Set();
  const folders = new Set();
  for (const name of names) {
    const low = name.toLowerCase();
    if (folded.has(low)) throw new Wrong(`${name} occurs twice`);
    folded.add(low);
    for (let at = low.indexOf("/"); at >= 0; at = low.indexOf("/", at + 1)) folders.add(low.slice(0, at));
  }
  const both = names.find((name) => folders.has(name.toLowerCase()));
  if (both !== undefined) throw new Wrong(`${both} is a file and a folder at once`);
}
