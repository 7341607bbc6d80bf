// The log's hashes, each under its own prefix, and the proofs of its tree (RFC 6962, RFC 9162).
import { HASH_SIZE, Wrong, base64, instantOf, same, unbase64, utf8 } from "./bytes.js";
import { canonical } from "./canonical.js";
import { CONSTANTS } from "./constants.js";
import { digest, isIndex, one, shaped } from "./shape.js";
import { sha256Of } from "./sha2.js";

const prefix = (byte) => Uint8Array.of(byte);
const [LEAF, NODE, BODY, SEALED, ORIGINAL, RUN] = [0, 1, 2, 3, 4, 6].map(prefix);

export const nodeHash = (left, right) => sha256Of(NODE, left, right);
export const sealedCommitment = (salt, value) => sha256Of(SEALED, salt, value);
export const originalCommitment = (salt, bytes) => sha256Of(ORIGINAL, salt, bytes);
export const runChain = (before, leaf) => sha256Of(RUN, before, leaf);

const isKind = one(...CONSTANTS.kinds);
const LEAF_MEMBERS = {
  body: digest,
  index: isIndex,
  kind: isKind,
  logged_at: (value) => typeof value === "string",
  prev: digest,
  v: one(1),
};

// Sizes reach beyond 32 bits, where bitwise operators would cut them.
const half = (value) => Math.floor(value / 2);
const odd = (value) => value % 2 === 1;

/** Raises Wrong unless the proof leads from the leaf's hash to the root (RFC 9162 2.1.3.2). */
export function verifyInclusion(index, size, leaf, proof, root) {
  if (!(index >= 0 && index < size)) throw new Wrong(`is no entry of a log of ${size}`, "order");
  let fn = index;
  let sn = size - 1;
  let found = leaf;
  for (const step of proof) {
    if (sn === 0) throw new Wrong("has a proof that is too long", "order");
    if (odd(fn) || fn === sn) {
      found = nodeHash(step, found);
      while (!odd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      found = nodeHash(found, step);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  if (sn !== 0 || !same(found, root)) throw new Wrong("has no proof that leads to the root of the checkpoint", "order");
}

/**
 * Proves that a line's entry stands in the tree, with exactly this body; `texts` are the line's members as they stand
 * there. Answers the leaf and its hash.
 */
export function checkLine({ value, texts }, head) {
  const leaf = shaped(value.leaf, LEAF_MEMBERS);
  const { body, index, kind, logged_at: at, prev } = leaf;
  // Every member is of an alphabet that JSON never escapes, so the text can be built.
  if (texts.get("leaf") !== `{"body":"${body}","index":${index},"kind":"${kind}","logged_at":"${at}","prev":"${prev}","v":1}`) {
    throw new Wrong("has leaf data that is not in canonical form");
  }
  if (index !== value.index) throw new Wrong(`holds the leaf of entry ${index}`, "order");
  instantOf(at);
  unbase64(prev, HASH_SIZE);
  if (base64(sha256Of(BODY, unbase64(value.salt, HASH_SIZE), utf8(texts.get("body")))) !== body) {
    throw new Wrong("the body is not the one that its leaf commits to");
  }
  const hash = sha256Of(LEAF, utf8(texts.get("leaf")));
  const proof = value.proof.map((step) => unbase64(step, HASH_SIZE));
  verifyInclusion(index, head.size, hash, proof, head.root);
  return { leaf, hash, hash64: base64(hash) };
}

/** A value's bytes as a commitment covers them. */
export const canonicalBytes = (value) => utf8(canonical(value));
