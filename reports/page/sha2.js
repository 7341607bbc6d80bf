// SHA-256 and SHA-512 (FIPS 180-4), fed piece by piece. WebCrypto wants a whole message at once and answers later: a
// package is larger than memory likes, and has a million short messages. Where there is a WebCrypto, `sound` holds these
// against it before anything rests on them.
import { joined, same } from "./bytes.js";
import { sha256, sha512 } from "./noble.js";

/** The digest of these bytes, one part after the other. */
const digested = (hash) => (...parts) => parts.reduce((begun, part) => begun.update(part), hash.create()).digest();

export const sha256Of = digested(sha256);
export const sha512Of = digested(sha512);

/** A digest that is fed: `update` takes more bytes, `digest` ends it. */
export const newSha256 = () => sha256.create();
export const newSha512 = () => sha512.create();

/** Whether these hashes are those of the browser's WebCrypto; null where a page from a file has none. */
export async function sound() {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  const message = new Uint8Array(1000).map((_, at) => (at * 7) & 255);
  for (const length of [0, 111, 112, 119, 120, 1000]) {
    const part = message.subarray(0, length);
    const due = [await subtle.digest("SHA-256", part), await subtle.digest("SHA-512", part)];
    if (!same(joined(sha256Of(part), sha512Of(part)), joined(...due.map((one) => new Uint8Array(one))))) return false;
  }
  return true;
}
