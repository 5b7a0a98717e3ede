// Getting a connection, or learning why there is none, and leaving one whose other side does nothing.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { CallTimeoutError, ClientClosedError, ClientError, EndpointError, StreamFailedError, TrebuchetClient } from "../src/index.js";
import { client, endpoint, mute, STREAM } from "./support.js";
import { bytesOf, scripted } from "./scripted.js";

const TEXT = 0x81;
/** So many large messages fill the buffers of both machines' kernels, which grow to some megabytes. */
const ENOUGH = 80;
const LARGE = "x".repeat(80_000);

/** Calls that no buffer can hold; what became of each. */
function manyCalls(subject, options) {
  const actor = subject.resolve("counter");
  return Promise.allSettled(Array.from({ length: ENOUGH }, () => actor.call("add", [LARGE], options)));
}

/** Answer calls until the connection is gone; the answer says over which one it came. */
async function answerAll(peer, number) {
  for (;;) peer.answer(await peer.receive(), number);
}

test("patience ends also in the middle of a handshake", async (t) => {
  const { url } = await mute(t);
  const connecting = client(t, url, { options: { connectTimeout: 3_600 } }).connect({ patience: 0.3 });
  await assert.rejects(connecting, (error) => error instanceof EndpointError && /no connection to .* within 0.3 s/.test(error.message));
});

test("a single try takes as long as a handshake may", async (t) => {
  const { url } = await mute(t);
  const connecting = client(t, url, { options: { connectTimeout: 0.2 } }).connect({ patience: 0 });
  await assert.rejects(connecting, /nothing answers .* within 0.2 s/);
});

test("who runs out of patience learns the last answer, and its status", async (t) => {
  const { url } = await endpoint(t, { refuse: () => 503 });
  await assert.rejects(client(t, url).connect({ patience: 2 }), { name: "EndpointError", status: 503 });
});

test("each attempt that fails is told, to those who come later, too", async (t) => {
  const statuses = [429, 502];
  const { url } = await endpoint(t, { refuse: () => statuses.shift() ?? 0 });
  const seen = [];
  const subject = client(t, url, { onState: ({ state, failures }) => seen.push([state, failures]) });
  const second = new Promise((resolve) => subject.onState(({ failures }) => failures === 2 && resolve(subject.connection)));
  await subject.connect();
  assert.deepEqual(seen, [["connecting", 0], ["connecting", 1], ["connecting", 2], ["connected", 0]]);
  assert.deepEqual(await second, { state: "connecting", reason: `${url} answers with HTTP 502`, failures: 2 });
  assert.deepEqual(subject.connection, { state: "connected", reason: null, failures: 0 });
});

test("whoever watches the state cannot break the client", async (t) => {
  const reported = t.mock.method(console, "error", () => {});
  const server = await endpoint(t);
  const seen = [];
  const subject = client(t, server.url, { onState: ({ state }) => assert.fail(`cannot show ${state}`) });
  subject.onState(({ state }) => seen.push(state));
  await subject.connect();
  const call = subject.resolve("counter").get();
  const peer = await server.next();
  peer.answer(await peer.receive(), 7);
  assert.equal(await call, 7);
  await subject.close();
  assert.deepEqual(seen, ["connecting", "connected", "closed"]);
  const told = reported.mock.calls.map(({ arguments: [error] }) => error.message);
  assert.deepEqual(told, ["cannot show connecting", "cannot show connected", "cannot show closed"]);
});

test("a client whose right was taken back stops, and says why; a new start is a new attempt", async (t) => {
  const server = await endpoint(t);
  const subject = client(t, server.url);
  await subject.connect();
  const peer = await server.next();
  const values = subject.resolve("todos").observe("state").values();
  const first = values.next();
  peer.start(await peer.receive());
  peer.state(1, "one");
  await first;
  const [failed, call] = [values.next(), subject.resolve("todos").get()];
  const refused = assert.rejects(call, (error) => error instanceof ClientClosedError && /right was taken back/.test(error.message));
  await peer.receive();
  peer.send("streamError", { streamID: STREAM, errorMessage: "The right was taken back", code: "revoked" });
  await assert.rejects(failed, (error) => error instanceof StreamFailedError && error.code === "revoked");
  await refused;
  await peer.closed;
  assert.equal(subject.state, "closed");
  assert.match(subject.connection.reason, /right was taken back/);
  assert.equal(server.peers.size, 0);
  await subject.connect();
  assert.equal(subject.state, "connected");
});

test("calls that are given up while they are sent break nothing", async (t) => {
  const server = await endpoint(t);
  const subject = client(t, server.url, { options: { probeAfter: 3_600, callTimeout: 60 } });
  await subject.connect();
  const peer = await server.next();
  peer.stopReading();
  const outcomes = await manyCalls(subject, { timeout: 0.3 });
  assert.ok(outcomes.every(({ reason }) => reason instanceof CallTimeoutError));
  peer.startReading();
  const call = subject.resolve("counter").get();
  answerAll(peer, "still there").catch(() => {});
  assert.equal(await call, "still there");
  assert.equal(server.peers.size, 0);
});

test("a dead socket is found though its buffer is full", async (t) => {
  const server = await endpoint(t);
  const subject = client(t, server.url, { options: { probeAfter: 0.2, probeTimeout: 0.3, callTimeout: 60 } });
  await subject.connect();
  const peer = await server.next();
  peer.stopReading();
  const calls = manyCalls(subject);
  answerAll(await server.next(), "on another").catch(() => {});
  assert.deepEqual(new Set((await calls).map(({ value }) => value)), new Set(["on another"]));
});

test("close ends on a socket that takes nothing", async (t) => {
  const server = await endpoint(t);
  const subject = client(t, server.url);
  await subject.connect();
  const peer = await server.next();
  const values = subject.resolve("todos").observe("state").values();
  const first = values.next();
  peer.start(await peer.receive());
  peer.state(1, "one");
  await first;
  peer.stopReading();
  const [waiting, value] = [manyCalls(subject), assert.rejects(values.next(), ClientClosedError)];
  await subject.close();
  assert.ok((await waiting).every(({ reason }) => reason instanceof ClientClosedError));
  await value;
  assert.equal(subject.state, "closed");
});

test("close leaves a socket whose other side does not say goodbye", async (t) => {
  const server = await scripted(t);
  const subject = client(t, server.url);
  const connecting = subject.connect();
  const peer = await server.next();
  await peer.accept();
  await connecting;
  await subject.close();
  // Or node would keep the program alive for it.
  await peer.closed;
});

test("without a WebSocket of the platform's ours is used, and sends what the gateway takes", async (t) => {
  const { WebSocket } = globalThis;
  globalThis.WebSocket = undefined;
  t.after(() => (globalThis.WebSocket = WebSocket));
  const server = await endpoint(t);
  const subject = new TrebuchetClient(server.url);
  t.after(() => subject.close());
  await subject.connect();
  const call = subject.resolve("counter").add(LARGE);
  const peer = await server.next();
  peer.answer(await peer.receive(), 1);
  assert.equal(await call, 1);
  await assert.rejects(subject.resolve("counter").add("x".repeat(100_000)), /131072 may be sent/);
});

test("what is no WebSocket is said, with what is", async (t) => {
  const broken = function () {
    throw new Error("no sockets here");
  };
  const subject = client(t, "wss://h", { WebSocket: broken });
  await assert.rejects(subject.connect(), ClientError);
});

test("a frame right behind the handshake reaches its stream", async (t) => {
  const server = await scripted(t);
  const subject = client(t, server.url);
  const seen = new Promise((resolve) => {
    subject.onState(({ state, reason }) => state === "closed" && resolve(reason));
  });
  subject.connect();
  const payload = { streamID: STREAM, errorMessage: "taken back early", code: "revoked" };
  const behind = bytesOf(TEXT, JSON.stringify({ type: "streamError", payload }));
  await (await server.next()).accept({ behind });
  assert.match(await seen, /taken back early/);
});
