// Verifies Ed25519 (RFC 8032) by the strict rules of libsodium, as the terminal does: no point of small order, no number
// written in a second way. Where the browser has Ed25519, that has to agree too.
import { Point, hashes, nobleVerify } from "./noble.js";
import { sha512Of } from "./sha2.js";

hashes.sha512 = sha512Of;

/** Whether the signature is the key's over these bytes, by the page's own code alone. */
export function verifies(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64) return false;
  // The library refuses keys of small order only; libsodium, first points of signatures too.
  const holds = nobleVerify(signature, message, key, { zip215: false });
  return holds && !Point.fromBytes(signature.subarray(0, 32)).isSmallOrder();
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
