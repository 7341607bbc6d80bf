// The proofs as files of their own: one a record (C2SP tlog-proof), or one of all records; both made again, or walked.
import { HASH_SIZE, Wrong, base64, fromUtf8, hex, same, unbase64, utf8 } from "./bytes.js";
import { FILES } from "./lines.js";
import { sha256Of } from "./sha2.js";
import { nodeHash } from "./tree.js";

const MAX_LINE = 100;

/** Holds the proof files, by their digests, against the records as they go by. */
export class ProofFiles {
  constructor(files, checkpoint, description, problems) {
    Object.assign(this, { checkpoint, description, problems });
    const names = [...files.keys()].filter((name) => name.startsWith(`${FILES.proofs}/`));
    this.files = new Map(names.map((name) => [name, files.get(name).sha256]));
    this.count = names.length;
  }

  record({ value, texts }) {
    const name = `${FILES.proofs}/${value.index}.tlog-proof`;
    const found = this.files.get(name);
    if (found === undefined) return;
    this.files.delete(name);
    const extra = base64(utf8(texts.get("leaf")));
    const head = ["c2sp.org/tlog-proof@v1", `extra ${extra}`, `index ${value.index}`, ...value.proof, "", ""].join("\n");
    if (found !== hex(sha256Of(utf8(head), this.checkpoint))) {
      this.problems.add(name, `is not the proof that ${FILES.records} has of entry ${value.index}`, "order");
    }
  }

  finish() {
    for (const name of this.files.keys()) this.problems.add(name, "is the proof of no record of the package", "order");
    if (this.count !== (this.description.proofs ?? 0)) {
      this.problems.add(FILES.proofs, "does not hold the proofs that the description says", "order");
    }
  }
}

/**
 * One proof that all records are in the tree: the hashes of the ranges without any of them, left to right. Which ranges
 * those are follows from the size and the records' numbers alone.
 */
export class ProofOfAll {
  constructor(zip, head, description, problems) {
    Object.assign(this, { head, description, problems });
    const there = zip.members.has(FILES.proofOfAll);
    if (there !== (description.proof_of_all ?? false)) problems.add(FILES.proofOfAll, "is not there as the description says", "order");
    this.lines = there ? zip.lines(FILES.proofOfAll, MAX_LINE) : null;
    this.began = false;
    this.open = [];
    this.last = -1;
  }

  /** Takes a record, in the order of the log. */
  async record(index, leaf) {
    await this.noted(async () => {
      if (index <= this.last || index >= this.head.size) throw new Wrong(`does not go on with entry ${index}`);
      let [low, high] = this.last < 0 ? [0, this.head.size] : await this.climb(index);
      while (high - low > 1) {
        let half = 1;
        while (half * 2 < high - low) half *= 2;
        const range = { middle: low + half, high, left: null };
        if (index < range.middle) {
          high = range.middle;
        } else {
          range.left = await this.next();
          low = range.middle;
        }
        this.open.push(range);
      }
      this.last = index;
      this.found = leaf;
    });
  }

  /** Compares the root, once all records were taken. */
  async finish() {
    await this.noted(async () => {
      if (this.last < 0) throw new Wrong("is a proof of no record at all");
      await this.climb(this.head.size);
      if ((await this.line()) !== null) throw new Wrong("has hashes that are left over");
      if (!same(this.found, this.head.root)) throw new Wrong("does not lead from the records to the root of the checkpoint");
    });
    await this.lines?.return();
  }

  /** Closes the ranges that end before an entry; the range within which it is reached then. */
  async climb(index) {
    for (let range = this.open.at(-1); range; range = this.open.at(-1)) {
      if (range.left) {
        this.found = nodeHash(range.left, this.found);
      } else if (index < range.high) {
        range.left = this.found;
        return [range.middle, range.high];
      } else {
        this.found = nodeHash(this.found, await this.next());
      }
      this.open.pop();
    }
    return [0, this.head.size];
  }

  async next() {
    const line = await this.line();
    if (line === null) throw new Wrong("has too few hashes");
    return unbase64(line, HASH_SIZE);
  }

  async line() {
    if (!this.began) {
      this.began = true;
      const due = ["trailseal-multi-proof/1", `size ${this.head.size}`, `leaves ${this.description.records}`];
      for (const text of due) {
        if ((await this.line()) !== text) throw new Wrong("does not begin with its form, the size of the tree and the number of records");
      }
    }
    const { value, done } = await this.lines.next();
    return done ? null : fromUtf8(value);
  }

  /** What is wrong is noted once. */
  async noted(what) {
    if (!this.lines || this.broken) return;
    try {
      await what();
    } catch (error) {
      this.broken = true;
      this.problems.caught(FILES.proofOfAll, error, "order");
    }
  }
}
