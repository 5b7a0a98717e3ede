// The golden transcripts, line by line; what the lines mean is told in clients/golden/README.md.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { parse } from "../src/json.js";
import { client, endpoint, Queue } from "./support.js";

const FOLDER = new URL("../../golden/", import.meta.url);
const PLACEHOLDER = /^\$\w+$/;

/** Plays one transcript: the endpoint's part and the program's. */
class Performance {
  #ids = new Map();
  #named = new Map();

  constructor(server, subject) {
    this.server = server;
    this.subject = subject;
  }

  async step(line) {
    if ("connection" in line) await this.#connection(line.connection);
    else if ("client" in line) await this.#client(line.client);
    else if ("server" in line) this.peer.sendDocument(this.#fill(line.server));
    else if ("app" in line) await this.#app(line.app);
    else if ("expect" in line) await this.#expect(line.expect);
    else assert.ok("golden" in line, `no such step: ${Object.keys(line)}`);
  }

  async #connection(what) {
    if (what === "dropped") {
      this.peer.drop();
      return;
    }
    if (!this.peer) await this.subject.connect();
    this.peer = await this.server.next();
  }

  async #client(expected) {
    const frame = await this.peer.receive();
    assert.deepEqual(frame, this.#fill(expected, frame));
  }

  #app(deed) {
    if (deed.do === "leave") return this.#named.get(deed.of).iterator.return();
    const actor = this.subject.resolve(deed.actor);
    if (deed.do === "call") {
      const outcome = new Queue();
      actor[deed.method](...deed.arguments).then(
        (result) => outcome.put({ result: result ?? null }),
        (error) => outcome.put({ error }),
      );
      this.#named.set(deed.as, { outcome });
      return undefined;
    }
    const observation = actor.observe(deed.property, deed.latestPerMs ? { latestPerMs: deed.latestPerMs } : {});
    const iterator = observation.values();
    const outcome = new Queue();
    pump(observation, iterator, outcome);
    this.#named.set(deed.as, { outcome, iterator });
    return undefined;
  }

  async #expect({ of, ...expected }) {
    const seen = await this.#named.get(of).outcome.take(JSON.stringify({ of }));
    if ("error" in expected) {
      const { message, code, retryable } = seen.error ?? {};
      assert.deepEqual({ error: message, code, retryable }, expected, String(seen.error?.stack));
    } else if ("sequence" in expected) {
      const { timestamp, ...value } = seen;
      assert.ok(timestamp instanceof Date);
      assert.deepEqual(value, { ...expected, sequence: BigInt(expected.sequence) });
    } else {
      assert.deepEqual(seen, expected);
    }
  }

  /** Placeholders replaced; those that nothing has settled yet are settled by what stands in their place. */
  #fill(pattern, frame) {
    if (typeof pattern === "string" && PLACEHOLDER.test(pattern)) {
      if (!this.#ids.has(pattern)) {
        assert.match(frame, /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
        this.#ids.set(pattern, frame);
      }
      return this.#ids.get(pattern);
    }
    if (Array.isArray(pattern)) return pattern.map((item, index) => this.#fill(item, frame?.[index]));
    if (pattern === null || typeof pattern !== "object") return pattern;
    return Object.fromEntries(Object.entries(pattern).map(([key, item]) => [key, this.#fill(item, frame?.[key])]));
  }
}

/** Read as a program would that never falls behind. */
async function pump(observation, iterator, outcome) {
  try {
    for await (const value of iterator) outcome.put(value);
    outcome.put({ end: observation.endReason });
  } catch (error) {
    outcome.put({ error });
  }
}

const transcripts = readdirSync(FOLDER).filter((name) => name.endsWith(".jsonl"));

test("there are transcripts", () => assert.ok(transcripts.length >= 16));

for (const name of transcripts) {
  test(`golden: ${name}`, async (t) => {
    const server = await endpoint(t);
    const performance = new Performance(server, client(t, server.url));
    for (const line of readFileSync(new URL(name, FOLDER), "utf8").trim().split("\n")) {
      await performance.step(parse(line));
    }
    await performance.subject.close();
    await performance.peer.closed;
    assert.equal(performance.peer.unread, 0, "frames that the transcript does not have");
  });
}
