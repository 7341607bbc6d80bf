// SHA-256 and SHA-512 (FIPS 180-4), fed piece by piece. WebCrypto wants a whole message at once and answers later: a
// package is larger than memory likes, and has a million short messages. Where there is a WebCrypto, `sound` holds these
// against it before anything rests on them.
import { joined, same } from "./bytes.js";

/** The first `count` primes, and the bits after the point of their square or cube roots, as many as `bits`. */
function fractions(count, root, bits) {
  const found = [];
  for (let number = 2; found.length < count; number++) {
    let prime = true;
    for (let by = 2; by * by <= number; by++) if (number % by === 0) prime = false;
    if (prime) found.push(rootOf(BigInt(number) << BigInt(bits * root), root) & ((1n << BigInt(bits)) - 1n));
  }
  return found;
}

/** The whole part of a square (2) or cube (3) root. */
function rootOf(value, root) {
  let low = 0n;
  let high = 1n << BigInt(Math.ceil(value.toString(2).length / root) + 1);
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(root) <= value) low = middle;
    else high = middle;
  }
  return low;
}

const K256 = Int32Array.from(fractions(64, 3, 32), (one) => Number(one) | 0);
const H256 = Int32Array.from(fractions(8, 2, 32), (one) => Number(one) | 0);
const words = (list) => Int32Array.from(list.flatMap((one) => [Number(one >> 32n) | 0, Number(one & 0xffffffffn) | 0]));
const K512 = words(fractions(80, 3, 64));
const H512 = words(fractions(8, 2, 64));

/** What both have in common: blocks, length, padding. */
class Hash {
  constructor(block, start) {
    this.state = Int32Array.from(start);
    this.buffer = new Uint8Array(block);
    this.view = new DataView(this.buffer.buffer);
    this.filled = 0;
    this.length = 0;
  }

  update(bytes) {
    const block = this.buffer.length;
    this.length += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const take = Math.min(block - this.filled, bytes.length - at);
      this.buffer.set(take === bytes.length ? bytes : bytes.subarray(at, at + take), this.filled);
      this.filled += take;
      at += take;
      if (this.filled === block) {
        this.compress();
        this.filled = 0;
      }
    }
    return this;
  }

  digest() {
    const block = this.buffer.length;
    const tail = block / 8;
    this.buffer[this.filled] = 0x80;
    this.buffer.fill(0, this.filled + 1);
    if (this.filled + 1 > block - tail) {
      this.compress();
      this.buffer.fill(0);
    }
    this.view.setUint32(block - 8, Math.floor(this.length / 2 ** 29));
    this.view.setUint32(block - 4, (this.length * 8) % 2 ** 32);
    this.compress();
    const bytes = new Uint8Array(this.state.length * 4);
    const view = new DataView(bytes.buffer);
    this.state.forEach((word, at) => view.setInt32(at * 4, word));
    return bytes;
  }
}

export class Sha256 extends Hash {
  static schedule = new Int32Array(64);

  constructor() {
    super(64, H256);
  }

  compress() {
    const w = Sha256.schedule;
    const state = this.state;
    for (let t = 0; t < 16; t++) w[t] = this.view.getInt32(t * 4);
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15];
      const y = w[t - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let t = 0; t < 64; t++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K256[t] + w[t]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

export class Sha512 extends Hash {
  static schedule = new Int32Array(160);

  constructor() {
    super(128, H512);
  }

  compress() {
    // A word is two halves, high and low; the sums of low halves stay below 2^53, and what is above 32 bits carries.
    const w = Sha512.schedule;
    for (let t = 0; t < 32; t++) w[t] = this.view.getInt32(t * 4);
    for (let t = 32; t < 160; t += 2) {
      const xh = w[t - 30];
      const xl = w[t - 29];
      const yh = w[t - 4];
      const yl = w[t - 3];
      const s0h = ((xh >>> 1) | (xl << 31)) ^ ((xh >>> 8) | (xl << 24)) ^ (xh >>> 7);
      const s0l = ((xl >>> 1) | (xh << 31)) ^ ((xl >>> 8) | (xh << 24)) ^ ((xl >>> 7) | (xh << 25));
      const s1h = ((yh >>> 19) | (yl << 13)) ^ ((yl >>> 29) | (yh << 3)) ^ (yh >>> 6);
      const s1l = ((yl >>> 19) | (yh << 13)) ^ ((yh >>> 29) | (yl << 3)) ^ ((yl >>> 6) | (yh << 26));
      const low = (w[t - 31] >>> 0) + (s0l >>> 0) + (w[t - 13] >>> 0) + (s1l >>> 0);
      w[t] = (w[t - 32] + s0h + w[t - 14] + s1h + Math.floor(low / 2 ** 32)) | 0;
      w[t + 1] = low | 0;
    }
    const s = this.state;
    let [ah, al, bh, bl, ch, cl, dh, dl, eh, el, fh, fl, gh, gl, hh, hl] = s;
    for (let t = 0; t < 160; t += 2) {
      const s1h = ((eh >>> 14) | (el << 18)) ^ ((eh >>> 18) | (el << 14)) ^ ((el >>> 9) | (eh << 23));
      const s1l = ((el >>> 14) | (eh << 18)) ^ ((el >>> 18) | (eh << 14)) ^ ((eh >>> 9) | (el << 23));
      const chl = (el & fl) ^ (~el & gl);
      const low1 = (hl >>> 0) + (s1l >>> 0) + (chl >>> 0) + (K512[t + 1] >>> 0) + (w[t + 1] >>> 0);
      const t1h = (hh + s1h + ((eh & fh) ^ (~eh & gh)) + K512[t] + w[t] + Math.floor(low1 / 2 ** 32)) | 0;
      const t1l = low1 | 0;
      const s0h = ((ah >>> 28) | (al << 4)) ^ ((al >>> 2) | (ah << 30)) ^ ((al >>> 7) | (ah << 25));
      const s0l = ((al >>> 28) | (ah << 4)) ^ ((ah >>> 2) | (al << 30)) ^ ((ah >>> 7) | (al << 25));
      const low2 = (s0l >>> 0) + (((al & bl) ^ (al & cl) ^ (bl & cl)) >>> 0);
      const t2h = (s0h + ((ah & bh) ^ (ah & ch) ^ (bh & ch)) + Math.floor(low2 / 2 ** 32)) | 0;
      hh = gh;
      hl = gl;
      gh = fh;
      gl = fl;
      fh = eh;
      fl = el;
      const low3 = (dl >>> 0) + (t1l >>> 0);
      eh = (dh + t1h + Math.floor(low3 / 2 ** 32)) | 0;
      el = low3 | 0;
      dh = ch;
      dl = cl;
      ch = bh;
      cl = bl;
      bh = ah;
      bl = al;
      const low4 = (t1l >>> 0) + ((low2 | 0) >>> 0);
      ah = (t1h + t2h + Math.floor(low4 / 2 ** 32)) | 0;
      al = low4 | 0;
    }
    const sums = [ah, al, bh, bl, ch, cl, dh, dl, eh, el, fh, fl, gh, gl, hh, hl];
    for (let at = 0; at < 16; at += 2) {
      const low = (s[at + 1] >>> 0) + (sums[at + 1] >>> 0);
      s[at] = (s[at] + sums[at] + Math.floor(low / 2 ** 32)) | 0;
      s[at + 1] = low | 0;
    }
  }
}

export function sha256(...parts) {
  const hash = new Sha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function sha512(...parts) {
  const hash = new Sha512();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Whether these hashes are those of the browser's WebCrypto; null where a page from a file has none. */
export async function sound() {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  const message = new Uint8Array(1000).map((_, at) => (at * 7) & 255);
  for (const length of [0, 111, 112, 119, 120, 1000]) {
    const part = message.subarray(0, length);
    const due = [await subtle.digest("SHA-256", part), await subtle.digest("SHA-512", part)];
    if (!same(joined(sha256(part), sha512(part)), joined(...due.map((one) => new Uint8Array(one))))) return false;
  }
  return true;
}
