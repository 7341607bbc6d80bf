// What the tests ask of the page's modules: `m` holds them, `given` are files or texts; each answers in JSON.
import { readFileSync, readdirSync } from "node:fs";

const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16));
const raw = (text) => Uint8Array.from(Buffer.from(text ?? "", "base64"));

/** Whether what is done is refused as wrong; any other error is the test's own. */
function refused(m, what) {
  try {
    what();
    return false;
  } catch (error) {
    if (error instanceof m.bytesModule.Wrong) return true;
    throw error;
  }
}

export function hashes(m) {
  const parts = [0, 1, 55, 56, 63, 64, 111, 112, 127, 128, 300].map((length) => new Uint8Array(length).fill(length));
  const { newSha256, newSha512, sha256Of, sha512Of } = m.sha2Module;
  const [first, second] = [newSha256(), newSha512()];
  for (const part of parts) {
    first.update(part);
    second.update(part);
  }
  const each = parts.flatMap((part) => [sha256Of(part), sha512Of(part)]);
  return [...each, first.digest(), second.digest()].map(m.bytesModule.hex);
}

export function ed25519(m, path) {
  const { testGroups } = JSON.parse(readFileSync(path));
  const cases = testGroups.flatMap((group) => group.tests.map((one) => ({ ...one, key: group.publicKey.pk })));
  const verifies = (one) => m.ed25519Module.verifies(bytes(one.key), bytes(one.msg), bytes(one.sig));
  return cases.map((one) => [one.tcId, one.result === "valid", verifies(one)]);
}

/** Keys of small order, and one written in a second way, with a signature that other libraries would take. */
export function smallOrder(m, signed) {
  const zero = "00".repeat(32);
  const one = `01${"00".repeat(31)}`;
  const beyond = `ee${"ff".repeat(30)}7f`;
  const others = [one, zero, beyond].map((key) => [key, "00", one + zero]);
  return [...others, JSON.parse(signed)].map((parts) => m.ed25519Module.verifies(...parts.map(bytes)));
}

export function inclusion(m, path) {
  const cases = Object.entries(JSON.parse(readFileSync(path)));
  const wrong = cases.filter(([, one]) => {
    const proof = (one.proof ?? []).map(raw);
    const [leaf, root] = [raw(one.leafHash), raw(one.root)];
    // The page takes nothing for a hash that has not 32 bytes.
    const whole = [...proof, leaf, root].every((hash) => hash.length === 32);
    const said = !whole || refused(m, () => m.treeModule.verifyInclusion(one.leafIdx, one.treeSize, leaf, proof, root));
    return said !== one.wantErr;
  });
  return { count: cases.length, wrong: wrong.map(([name]) => name) };
}

export function canonical(m, folder) {
  const { readCanonical } = m.canonicalModule;
  const names = readdirSync(`${folder}/output`);
  const wrong = names.filter((name) => {
    const [output, input] = ["output", "input"].map((sort) => Uint8Array.from(readFileSync(`${folder}/${sort}/${name}`)));
    const other = !m.bytesModule.same(input, output);
    return refused(m, () => readCanonical(output)) || (other && !refused(m, () => readCanonical(input)));
  });
  const deep = "[".repeat(65) + "]".repeat(65);
  const texts = ['{"a":1,"a":1}', "1e400", '"\\ud800"', "-0", "1.0", "\ufeff1", "[1,]", deep, "NaN", '"\\u0041"'];
  wrong.push(...texts.filter((text) => !refused(m, () => readCanonical(Buffer.from(text)))));
  return { count: names.length, wrong };
}

export function base64(m) {
  const { base64: written, unbase64 } = m.bytesModule;
  const good = ["", "AA==", "AAA=", "AAAA", "/+8="];
  const bad = ["A", "AA", "AB==", "AAB=", "A===", "====", "AA=A", "AA==AAAA", "AAA-", "AAA\n", " AAA", "\u00c1AAA"];
  return [
    ...good.filter((text) => written(unbase64(text)) !== text),
    ...bad.filter((text) => !refused(m, () => unbase64(text))),
  ];
}

/** Which of these texts are refused as a policy. */
export const policies = (m, texts) => JSON.parse(texts).map((text) => refused(m, () => m.policyModule.readOutside(text)));
