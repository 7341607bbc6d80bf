// Verifies Ed25519 (RFC 8032) by the strict rules of libsodium, as the terminal does: no point of small order, no number
// written in a second way. It handles nothing secret, so its time may tell what it likes. Where the browser has Ed25519,
// that has to agree too.
import { joined } from "./bytes.js";
import { sha512 } from "./sha2.js";

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (value, by = P) => ((value % by) + by) % by;

function power(base, exponent) {
  let result = 1n;
  for (let left = mod(base); exponent > 0n; exponent >>= 1n, left = (left * left) % P) {
    if (exponent & 1n) result = (result * left) % P;
  }
  return result;
}

const D = mod(-121665n * power(121666n, P - 2n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);
const IDENTITY = [0n, 1n, 1n, 0n];

function number(bytes) {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]);
  return value;
}

/** The point (extended coordinates) that 32 bytes write; null where they write none, or not in the one way. */
function point(bytes) {
  const written = number(bytes);
  const sign = written >> 255n;
  const y = written & (2n ** 255n - 1n);
  if (y >= P) return null;
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n));
  const check = mod(v * x * x);
  if (check === mod(-u)) x = mod(x * ROOT_OF_MINUS_ONE);
  else if (check !== u) return null;
  if (x === 0n && sign) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * D * t1 * t2);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(scalar, base) {
  let result = IDENTITY;
  for (let left = base; scalar > 0n; scalar >>= 1n, left = add(left, left)) if (scalar & 1n) result = add(result, left);
  return result;
}

const equal = (one, other) =>
  mod(one[0] * other[2] - other[0] * one[2]) === 0n && mod(one[1] * other[2] - other[1] * one[2]) === 0n;
const small = (one) => equal(times(8n, one), IDENTITY);
const BASE = point(joined(Uint8Array.of(0x58), new Uint8Array(31).fill(0x66)));

/** Whether the signature is the key's over these bytes, by this file alone. */
export function verifies(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64) return false;
  const first = signature.subarray(0, 32);
  const scalar = number(signature.subarray(32));
  const a = point(key);
  const r = point(first);
  if (scalar >= L || !a || !r || small(a) || small(r)) return false;
  const challenge = mod(number(sha512(first, key, message)), L);
  return equal(times(scalar, BASE), add(r, times(challenge, a)));
}

/** Whether the signature is the key's, by this file and, where there is one, by the browser's own Ed25519. */
export async function verify(key, message, signature) {
  if (!verifies(key, message, signature)) return false;
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return true;
  let imported;
  try {
    imported = await subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  } catch {
    return true; // a browser without Ed25519
  }
  return subtle.verify("Ed25519", imported, signature, message);
}
