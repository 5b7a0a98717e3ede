// The declarations name what there is, and nothing else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as client from "../src/index.js";
import * as react from "../src/react.js";

for (const [name, module] of Object.entries({ index: client, react })) {
  test(`every value of ${name}.js is declared, and every declared one is there`, () => {
    const text = readFileSync(new URL(`../src/${name}.d.ts`, import.meta.url), "utf8");
    const declared = [...text.matchAll(/^export (?:class|function|const) (\w+)/gm)].map(([, value]) => value);
    assert.deepEqual(declared.sort(), Object.keys(module).sort());
  });
}
