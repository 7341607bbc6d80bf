// What the page takes from others: hashes and signatures are no work of ours. `make setup` bundles it as `noble.js`.
export { Point, hashes, verify as nobleVerify } from "@noble/ed25519";
export { sha256, sha512 } from "@noble/hashes/sha2.js";
