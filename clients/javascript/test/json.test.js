// JSON without loss.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fromBase64, parse, stringify } from "../src/json.js";

test("integers beyond 2^53 survive both ways, and nothing else changes its kind", () => {
  const text = '{"large":9223372036854775809,"least":-9223372036854775808,"safe":9007199254740991,"half":0.5,"far":1e300}';
  const value = parse(text);
  assert.equal(value.large, 2n ** 63n + 1n);
  assert.equal(value.least, -(2n ** 63n));
  assert.deepEqual([value.safe, value.half, value.far], [2 ** 53 - 1, 0.5, 1e300]);
  assert.equal(stringify(value), text.replace("1e300", "1e+300"));
});

test("a number in a text is text", () => {
  const value = { 'a"b\\': '9223372036854775809, "9223372036854775809"', list: ["12345678901234567890"] };
  assert.deepEqual(parse(stringify(value)), value);
  assert.deepEqual(parse(stringify({ ...value, n: 2n ** 64n })), { ...value, n: 2n ** 64n });
});

test("long decimals are doubles as everywhere", () => {
  assert.equal(parse("[0.12345678901234567890]")[0], 0.12345678901234568);
  assert.equal(parse("[12345678901234567890.5]")[0], 12345678901234567890.5);
});

for (const text of ["01234567890123456789", "{12345678901234567890:1}", "[1-99999999999999999999]", "[12345678901234567890", "+12345678901234567890"]) {
  test(`what is no JSON stays none: ${text}`, () => {
    assert.throws(() => parse(text), SyntaxError);
  });
}

test("dates have whole seconds, bytes are base64", () => {
  const value = { at: new Date("2026-03-04T09:15:00.789Z"), bytes: Uint8Array.of(0, 1, 255) };
  assert.equal(stringify(value), '{"at":"2026-03-04T09:15:00Z","bytes":"AAH/"}');
});

for (const value of [undefined, () => 1, NaN, [Infinity]]) {
  test(`no JSON form: ${String(value)}`, () => {
    assert.throws(() => stringify(value), TypeError);
  });
}

test("base64 is strict", () => {
  assert.deepEqual([...fromBase64("AAH/")], [0, 1, 255]);
  for (const text of ["AAH", "AA H", "AAH_", "=AAA", "A==="]) assert.throws(() => fromBase64(text));
});
