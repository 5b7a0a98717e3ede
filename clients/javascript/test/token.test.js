// Tokens that a function fetches: fresh ones in time, and functions that fail, hang, or bring what is refused.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff, EndpointError } from "../src/index.js";
import { client, endpoint, TurnedClock } from "./support.js";

const EPOCH = 1_000;
const jwt = (end) => ["e30", Buffer.from(JSON.stringify({ exp: end })).toString("base64url"), "s"].join(".");
/** Ends a minute and a bit after the clock's beginning: another one is due after some seconds. */
const ending = () => jwt(EPOCH + 70);
const lasting = () => jwt(EPOCH + 9_000);
const never = () => new Promise(() => {});
const away = () => {
  throw new Error("the token service is away");
};

/** A function for tokens that does something else at each call, and the last thing for ever. */
function tokens(...sources) {
  const source = () => sources[Math.min((source.asked += 1), sources.length) - 1]();
  source.asked = 0;
  return source;
}

/** A connected client whose clock is turned, and the endpoint's end. */
async function connected(t, init, how) {
  const clock = new TurnedClock(EPOCH);
  const server = await endpoint(t, how);
  const states = [];
  const onState = ({ state, failures }) => failures || states.push(state);
  const subject = client(t, server.url, { clock, chance: () => 0.5, onState, ...init });
  await subject.connect();
  return { clock, server, subject, states, peer: await server.next() };
}

for (const [what, source, why] of [
  ["throws", away, /no token: the token service is away/],
  ["never returns", never, /no token: none within 0.1 s/],
]) {
  test(`a function that ${what} is told to who connects, when patience is over`, async (t) => {
    const server = await endpoint(t);
    const subject = client(t, server.url, { token: source, options: { connectTimeout: 0.1 } });
    await assert.rejects(subject.connect({ patience: 0.5 }), (error) => error instanceof EndpointError && why.test(error.message));
    assert.equal(server.peers.size, 0);
  });
}

test("a function that brings a token later is asked again", async (t) => {
  const server = await endpoint(t);
  const token = tokens(away, never, () => "late");
  await client(t, server.url, { token, options: { connectTimeout: 0.5 } }).connect();
  assert.match((await server.next()).url, /token=late/);
});

for (const [what, trouble] of [["throws", away], ["never returns", never]]) {
  test(`the old socket goes on while the function for a fresh token ${what}`, async (t) => {
    const token = tokens(ending, trouble, trouble, lasting);
    const options = { connectTimeout: 5, probeAfter: 900, backoff: new Backoff(1, 60) };
    const { clock, server, subject, states, peer } = await connected(t, { token, options });
    await clock.turn(36);
    assert.equal(token.asked, 2);
    const call = subject.resolve("todos").get();
    peer.answer(await peer.receive(), "on the old one");
    assert.equal(await call, "on the old one");
    await clock.turn(80);
    await server.next();
    assert.deepEqual(states, ["connecting", "connected"]);
  });
}

test("the old socket goes on while a fresh token is refused; after it, a refusal is the end", async (t) => {
  let handshakes = 0;
  const refuse = () => ((handshakes += 1) > 1 ? 403 : 0);
  const { clock, subject, states, peer } = await connected(t, { token: ending, options: { probeAfter: 900 } }, { refuse });
  await clock.turn(40);
  // Each attempt shows two tokens before it counts as refused.
  assert.ok(handshakes >= 3, `${handshakes} handshakes`);
  const call = subject.resolve("todos").get();
  peer.answer(await peer.receive(), "on the old one");
  assert.equal(await call, "on the old one");
  const over = new Promise((resolve) => subject.onState(({ state, reason }) => state === "closed" && resolve(reason)));
  peer.drop();
  await peer.closed;
  await clock.turn(5);
  assert.match(await over, /HTTP 403/);
  assert.deepEqual(states, ["connecting", "connected", "reconnecting", "closed"]);
});

test("a drop is seen while a token is fetched for the handover, and another socket opened", async (t) => {
  const token = tokens(ending, never, lasting);
  const { clock, server, states, peer } = await connected(t, { token, options: { connectTimeout: 3_600 } });
  await clock.turn(36);
  assert.equal(token.asked, 2);
  peer.drop();
  await peer.closed;
  await clock.turn(5);
  await server.next();
  assert.ok(states.includes("reconnecting"));
});
