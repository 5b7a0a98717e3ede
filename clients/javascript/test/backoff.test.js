// When to try again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../src/index.js";

const first = (count, delays) => Array.from({ length: count }, () => delays.next().value);

test("ceilings double up to the cap, and chance has the whole of each", () => {
  assert.deepEqual(first(6, new Backoff(1, 10).delays(() => 1)), [1, 2, 4, 8, 10, 10]);
  assert.deepEqual(first(3, new Backoff(1, 10).delays(() => 0)), [0, 0, 0]);
});

test("10,000 clients cut at once come back at fewer than 500 a second", () => {
  const backoff = Backoff.forFleet(10_000);
  const seconds = new Map();
  let seed = 7;
  const chance = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  for (let client = 0; client < 10_000; client += 1) {
    const second = Math.floor(backoff.delays(chance).next().value);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  assert.ok(Math.max(...seconds.values()) < 500, `${Math.max(...seconds.values())} in a second`);
});
