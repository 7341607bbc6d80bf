// The bag (RFC 8493): its set of files, both manifests of either sort, and the seal over all of them.
import { Wrong, hex, same, utf8 } from "./bytes.js";
import { canonical, readCanonical } from "./canonical.js";
import { CONSTANTS } from "./constants.js";
import { FILES } from "./lines.js";
import { openNote, parseKey } from "./note.js";
import { object } from "./shape.js";
import { newSha256, newSha512 } from "./sha2.js";

const MANIFEST = 1 << 22;
const SMALL = 1 << 20;
const DECLARATION_TEXT = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
const MANIFESTS = ["manifest-sha256.txt", "manifest-sha512.txt"];
const TAG_MANIFESTS = MANIFESTS.map((name) => `tag${name}`);
const TAGGED = ["bagit.txt", "bag-info.txt", ...MANIFESTS, "seal.note"];
const STANDALONE = CONSTANTS.standalone.map((pattern) => new RegExp(`^(${pattern})$`));
const BESIDE_SIGNED = CONSTANTS.besideSigned.map((pattern) => new RegExp(`^(${pattern})$`));

/** The bag's one folder, with a slash; raises Wrong for another number of them. */
export function folderOf(names) {
  const folders = new Set([...names].map((name) => name.split("/")[0]));
  if (folders.size !== 1) throw new Wrong(`has ${folders.size} folders at its top, not the one of a bag`);
  return `${[...folders][0]}/`;
}

/** Notes each file that is missing, and each that no package has. Answers whether it is a package with signatures. */
export function checkFiles(names, problems) {
  const signed = CONSTANTS.signed.some((name) => names.has(name));
  for (const name of [...CONSTANTS.payload, ...CONSTANTS.tags, ...(signed ? CONSTANTS.signed : [])]) {
    if (!names.has(name)) problems.add(name, "is missing");
  }
  const known = new Set([...CONSTANTS.payload, ...CONSTANTS.tags, ...CONSTANTS.signed]);
  for (const name of names) {
    const beside = STANDALONE.some((one) => one.test(name)) || (signed && BESIDE_SIGNED.some((one) => one.test(name)));
    if (!known.has(name) && !beside) problems.add(name, "is no file of a package");
  }
  return signed;
}

/** Both digests of every file, in hexadecimal; `told` hears of the bytes that went by. */
export async function digestsOf(zip, told) {
  const files = new Map();
  for (const name of zip.members.keys()) {
    const [first, second] = [newSha256(), newSha512()];
    try {
      for await (const piece of zip.stream(name)) {
        first.update(piece);
        second.update(piece);
        told(piece.length);
      }
    } catch (error) {
      if (error instanceof Wrong) error.where = name;
      throw error;
    }
    files.set(name, { sha256: hex(first.digest()), sha512: hex(second.digest()) });
  }
  return files;
}

/** Notes each file that a manifest does not list as it is, and each manifest that is not exactly theirs. */
export async function checkManifests(zip, files, problems) {
  for (const [manifests, chosen] of [
    [MANIFESTS, [...files.keys()].filter((name) => name.startsWith("data/"))],
    [TAG_MANIFESTS, TAGGED],
  ]) {
    for (const manifest of manifests) {
      const algorithm = manifest.includes("sha256") ? "sha256" : "sha512";
      const listed = await zip.read(manifest, MANIFEST);
      // Names are of ASCII alone, so that this order is by bytes too.
      const due = [...chosen].sort().map((name) => `${files.get(name)[algorithm]}  ${name}`);
      if (same(listed, utf8(due.map((line) => `${line}\n`).join("")))) continue;
      const lines = new Set(new TextDecoder().decode(listed).split("\n"));
      for (const line of due) if (!lines.has(line)) problems.add(line.split("  ")[1], `is not the file that ${manifest} lists`);
      problems.add(manifest, "does not list exactly the files that are there");
    }
  }
  if (!same(await zip.read("bagit.txt", SMALL), utf8(DECLARATION_TEXT))) {
    problems.add("bagit.txt", "is not the declaration of a bag of this kind");
  }
}

/** The seal: signed by the report key, over the digests of everything else in the bag. */
export async function checkSeal(zip, files, description, reportKey, problems) {
  const { origin, package: id, size, root } = description;
  const key = parseKey(reportKey);
  if (key.name !== `${origin}/report`) throw new Wrong(`is by the key ${key.name}, which seals nothing of ${origin}`);
  const note = await openNote(await zip.read(FILES.seal, SMALL), [key]);
  if (note.signatures.length !== 1) throw new Wrong("has more than the one signature of the report key");
  const [head, body, ...rest] = note.text.split("\n");
  if (head !== "trailseal/report/v1" || rest.join("\n") !== "") throw new Wrong("is no seal of a report");
  const payload = readCanonical(utf8(body));
  const covered = Object.fromEntries(
    [...files].filter(([name]) => name !== FILES.seal && !TAG_MANIFESTS.includes(name)).map(([name, one]) => [name, one.sha256]),
  );
  const manifests = Object.fromEntries(MANIFESTS.map((name) => [name, covered[name]]));
  for (const name of MANIFESTS) delete covered[name];
  if (canonical(payload) === canonical({ package: id, size, root, manifests, files: covered, origin })) return;
  for (const [name, digest] of Object.entries(object(payload?.files) ? payload.files : {})) {
    if (Object.hasOwn(covered, name) && covered[name] !== digest) problems.add(name, "is not the file that was sealed");
  }
  problems.add(FILES.seal, "was made for other contents: files or manifests differ from what it signs");
}
