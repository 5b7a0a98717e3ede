// The client against an endpoint that does as it is told: drops, silence, handovers, refusals.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import {
  CallFailedError,
  CallTimeoutError,
  ClientClosedError,
  EndpointError,
  MessageTooLargeError,
  SlowReaderError,
  StreamFailedError,
  TrebuchetClient,
} from "../src/index.js";
import { asData, client, endpoint, fromData, mute, STREAM, TurnedClock } from "./support.js";

/** A connected client and the endpoint's end. */
async function connected(t, init) {
  const server = await endpoint(t);
  const subject = client(t, server.url, init);
  await subject.connect();
  return { server, subject, peer: await server.next() };
}

/** A stream of todos whose first value was read. */
async function observing(t, init, options) {
  const { server, subject, peer } = await connected(t, init);
  const observation = subject.resolve("todos").observe("state", options);
  const values = observation.values();
  const first = values.next();
  peer.start(await peer.receive());
  peer.state(1, "one");
  assert.equal((await first).value.value, "one");
  return { server, subject, peer, values, observation };
}

test("a call by its name brings a value, however large its numbers", async (t) => {
  const { subject, peer } = await connected(t);
  const result = subject.resolve("todos", "home").addTodo("Milk", 2n ** 63n + 1n);
  const frame = await peer.receive();
  peer.answer(frame, { id: fromData(frame.payload.arguments[1]), title: fromData(frame.payload.arguments[0]) });
  assert.deepEqual(await result, { id: 2n ** 63n + 1n, title: "Milk" });
  assert.equal(frame.action, "todos");
  assert.equal(frame.payload.targetIdentifier, "addTodo");
});

test("an actor can be awaited and printed without a call", async (t) => {
  const { subject, peer } = await connected(t);
  const actor = await subject.resolve("todos");
  assert.equal(`${Object.prototype.toString.call(actor)} ${JSON.stringify({ actor })}`.includes("todos"), true);
  assert.deepEqual([`${actor}`, String(actor), actor.toString(), actor + "!"], ["todos", "todos", "todos", "todos!"]);
  const call = assert.rejects(actor.clearCompleted(), ClientClosedError);
  assert.equal((await peer.receive()).payload.targetIdentifier, "clearCompleted");
  await subject.close();
  await call;
});

test("who gives up learns under which callID the call may still take effect", async (t) => {
  const clock = new TurnedClock();
  const { subject, peer } = await connected(t, { clock });
  const call = subject.resolve("counter").call("add", [1], { timeout: 5 });
  const frame = await peer.receive();
  await Promise.all([
    clock.turn(5),
    assert.rejects(call, (error) => error instanceof CallTimeoutError && error.callId === frame.payload.callID),
  ]);
});

test("an error that may pass is the answer when the time for it is over", async (t) => {
  const clock = new TurnedClock();
  const { subject, peer } = await connected(t, { clock, chance: () => 0.99 });
  const call = subject.resolve("counter").call("add", [1], { timeout: 0.005 });
  const { callID } = (await peer.receive()).payload;
  peer.send("response", { callID, errorMessage: "busy", code: "conflict", retryable: true });
  // An answer to something else, after it: when this one is there, so is that.
  const other = subject.resolve("counter").get();
  peer.answer(await peer.receive(), 7);
  assert.equal(await other, 7);
  await Promise.all([clock.turn(0.006), assert.rejects(call, { name: "CallFailedError", code: "conflict" })]);
});

test("a gateway that goes on failing is given up on, and the caller told", async (t) => {
  const { subject, peer } = await connected(t, { options: { gatewayRetries: 2 } });
  const call = subject.resolve("counter").add(1);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await peer.receive();
    peer.sendDocument({ message: "Internal server error", connectionId: "c", requestId: "r-7" });
  }
  await assert.rejects(call, (error) => error instanceof CallFailedError && /r-7/.test(error.message) && error.retryable);
  assert.equal(peer.unread, 0);
});

test("a message that the gateway refuses is not sent for ever", async (t) => {
  const { server, subject, peer } = await connected(t);
  const call = subject.resolve("counter").add(1);
  await peer.receive();
  peer.close(1009);
  await assert.rejects(call, { name: "CallFailedError", code: "gateway", retryable: false });
  const next = await server.next();
  const other = subject.resolve("counter").get();
  const frame = await next.receive();
  assert.equal(frame.payload.targetIdentifier, "get");
  next.answer(frame, 7);
  assert.equal(await other, 7);
});

test("a message over the limit is refused before it is sent", async (t) => {
  const { subject } = await connected(t, { options: { messageLimit: 400 } });
  await assert.rejects(subject.resolve("todos").addTodo("ä".repeat(400)), MessageTooLargeError);
});

test("states are told, with the reason of a drop", async (t) => {
  const seen = [];
  const { server, subject, peer } = await connected(t, { onState: ({ state, reason }) => seen.push([state, reason]) });
  const back = new Promise((resolve) => subject.onState(({ state }) => state === "connected" && resolve()));
  peer.close(1001);
  await server.next();
  await back;
  await subject.close();
  assert.deepEqual(seen, [
    ["connecting", null],
    ["connected", null],
    ["reconnecting", "closed with code 1001"],
    ["connected", null],
    ["closed", null],
  ]);
});

for (const [tokenIn, shown] of [
  ["query", (peer) => new URL(peer.url, "ws://h").searchParams.get("token")],
  ["protocol", (peer) => peer.protocols.split(/, ?/)[1]],
]) {
  test(`each handshake shows a fresh token: ${tokenIn}`, async (t) => {
    let count = 0;
    const token = () => `token-${(count += 1)}`;
    const { server, peer } = await connected(t, { token, tokenIn });
    assert.equal(shown(peer), "token-1");
    peer.drop();
    assert.equal(shown(await server.next()), "token-2");
  });
}

test("a refusal for good reaches who connects; a fresh token is tried once before", async (t) => {
  const asked = [];
  const refuse = (request) => {
    asked.push(request.url);
    return 401;
  };
  const server = await endpoint(t, { refuse });
  let count = 0;
  const subject = client(t, server.url, { token: () => String((count += 1)) });
  await assert.rejects(subject.connect(), (error) => error instanceof EndpointError && error.status === 401);
  assert.deepEqual(asked, ["/stage?token=1", "/stage?token=2"]);
  assert.equal(subject.state, "closed");
});

test("an address that is none names no token", async (t) => {
  const subject = client(t, "ftp://example.test", { token: "secret" });
  await assert.rejects(subject.connect(), (error) => error instanceof EndpointError && !/secret/.test(error.message));
});

test("nothing answers, and patience is over", async (t) => {
  const server = await endpoint(t, { refuse: () => 503 });
  await assert.rejects(client(t, server.url).connect({ patience: 0 }), /HTTP 503/);
});

test("an option that there is not is refused with those that there are", () => {
  assert.throws(() => new TrebuchetClient("wss://h", { options: { patience: 1 } }), /no option patience; there are: call/);
});

test("a second socket takes over before the end of the first, without a gap or a duplicate", async (t) => {
  const clock = new TurnedClock();
  const { server, peer, values } = await observing(t, { clock, chance: () => 0, options: { idleProbeAfter: 9_000, keepAliveAfter: 9_000 } });
  const second = values.next();
  await clock.turn(6_900);
  const successor = await server.next();
  const resume = await successor.receive();
  assert.deepEqual([resume.type, resume.payload.lastSequence], ["streamResume", 1]);
  peer.state(2, "two, on the old socket");
  successor.start(resume, { recovered: true });
  successor.state(2, "two");
  successor.state(3, "three");
  assert.equal((await second).value.sequence, 2n);
  assert.equal((await values.next()).value.value, "three");
  await clock.turn(30);
  await peer.closed;
  successor.state(4, "four");
  assert.equal((await values.next()).value.value, "four");
});

test("an answer that is under way on the old socket still arrives", async (t) => {
  const clock = new TurnedClock();
  const { server, subject, peer } = await connected(t, { clock, chance: () => 0, options: { probeAfter: 9_000, keepAliveAfter: 9_000 } });
  await clock.turn(6_895);
  const call = subject.resolve("counter").add(1);
  const asked = await peer.receive();
  await clock.turn(5);
  const successor = await server.next();
  assert.equal((await successor.receive()).payload.callID, asked.payload.callID);
  peer.answer(asked, 1);
  assert.equal(await call, 1);
});

test("before a token of a function ends a socket with a fresh one takes over", async (t) => {
  const clock = new TurnedClock(1_000);
  const jwt = (exp) => ["e30", Buffer.from(JSON.stringify({ exp })).toString("base64url"), "s"].join(".");
  const tokens = [jwt(1_300), jwt(9_999)];
  const { server, peer } = await connected(t, { clock, token: () => tokens.shift() });
  await clock.turn(239);
  assert.equal(server.peers.size, 0);
  await clock.turn(1);
  assert.match((await server.next()).url, new RegExp(jwt(9_999)));
  await clock.turn(30);
  await peer.closed;
});

test("a token that lives shorter than the margin keeps its socket for half of that", async (t) => {
  const clock = new TurnedClock(1_000);
  const jwt = (exp) => ["e30", Buffer.from(JSON.stringify({ exp })).toString("base64url"), "s"].join(".");
  const tokens = [jwt(1_030), jwt(9_999)];
  const { server } = await connected(t, { clock, token: () => tokens.shift() });
  await clock.turn(14);
  assert.equal(server.peers.size, 0);
  await clock.turn(1);
  assert.match((await server.next()).url, new RegExp(jwt(9_999)));
});

test("silence is broken by a ping that no actor sees, and only silence", async (t) => {
  const clock = new TurnedClock();
  const { subject, peer } = await connected(t, { clock });
  await clock.turn(299);
  const call = subject.resolve("counter").get();
  peer.answer(await peer.receive(), 7);
  assert.equal(await call, 7);
  await clock.turn(299);
  assert.equal(peer.unread, 0);
  await clock.turn(10);
  assert.deepEqual(await peer.receive(), { action: "ping" });
});

test("a socket that is dead behind its open door is left, and the call repeated on another", async (t) => {
  const clock = new TurnedClock();
  const { server, subject, peer } = await connected(t, { clock, options: { callTimeout: 90 } });
  const call = subject.resolve("counter").add(1);
  const asked = await peer.receive();
  await clock.turn(20);
  assert.deepEqual(await peer.receive(), { action: "ping" });
  await clock.turn(11);
  const next = await server.next();
  const again = await next.receive();
  assert.equal(again.payload.callID, asked.payload.callID);
  next.answer(again, 1);
  assert.equal(await call, 1);
});

test("a socket that answers a ping is kept, though a stream is silent for long", async (t) => {
  const clock = new TurnedClock();
  const { server, peer, values } = await observing(t, { clock });
  await clock.turn(239);
  assert.equal(peer.unread, 0, "an idle stream is not asked after early");
  await clock.turn(10);
  assert.deepEqual(await peer.receive(), { action: "ping" });
  peer.sendDocument({ type: "pong" });
  peer.state(2, "two");
  assert.equal((await values.next()).value.value, "two");
  await clock.turn(15);
  assert.equal(server.peers.size, 0);
  peer.state(3, "three");
  assert.equal((await values.next()).value.value, "three");
});

test("an opening that is never answered is sent again", async (t) => {
  const clock = new TurnedClock();
  const { subject, peer } = await connected(t, { clock, options: { probeAfter: 9_000 } });
  const value = subject.resolve("todos").observe("state").values().next();
  await peer.receive();
  await clock.turn(100);
  peer.start(await peer.receive());
  peer.state(1, "one");
  assert.equal((await value).value.value, "one");
});

test("leaving a loop ends the stream, also while it waits", async (t) => {
  const { peer, values } = await observing(t);
  const waiting = values.next();
  await values.return();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  const { type, payload } = await peer.receive();
  assert.deepEqual([type, payload], ["streamEnd", { streamID: STREAM, reason: "clientUnsubscribed" }]);
});

test("a stream that is left in the pause after an error that may pass is not asked for again", async (t) => {
  const clock = new TurnedClock();
  const { subject, peer, values } = await observing(t, { clock });
  peer.send("streamError", { streamID: STREAM, errorMessage: "slowly", code: "limited", retryable: true });
  // The answer comes after the error, so the pause has begun when it is there.
  const sent = subject.resolve("counter").get();
  peer.answer(await peer.receive(), 7);
  await sent;
  await values.return();
  await clock.turn(1);
  const last = subject.resolve("counter").get();
  assert.equal((await peer.receive()).type, "streamEnd");
  const frame = await peer.receive();
  assert.equal(frame.type, "invocation");
  peer.answer(frame, 8);
  assert.equal(await last, 8);
});

test("breaking out of a plain loop ends the stream", async (t) => {
  const { subject, peer } = await connected(t);
  const loop = (async () => {
    for await (const state of subject.resolve("todos").observe()) return state;
    return undefined;
  })();
  peer.start(await peer.receive());
  peer.state(1, { todos: [] });
  assert.deepEqual(await loop, { todos: [] });
  assert.equal((await peer.receive()).type, "streamEnd");
});

test("a reader that falls behind gets what it may leave unread, then is told", async (t) => {
  const { subject, peer, values } = await observing(t, { options: { unreadValues: 2 } });
  for (const number of [2, 3, 4]) peer.state(number, number);
  // The answer comes after the values, so they are there when it is.
  const call = subject.resolve("counter").get();
  peer.answer(await peer.receive(), 7);
  await call;
  assert.equal((await values.next()).value.value, 2);
  assert.equal((await values.next()).value.value, 3);
  await assert.rejects(values.next(), (error) => error instanceof SlowReaderError && /latestPerMs/.test(error.message));
});

test("who wants the latest value reads the newest, and how many it stands for", async (t) => {
  const { subject, peer, values } = await observing(t, {}, { latestPerMs: 250 });
  peer.state(2, "two");
  peer.state(3, "three");
  peer.state(6, "six", { skipped: 2 });
  const call = subject.resolve("counter").get();
  peer.answer(await peer.receive(), 7);
  await call;
  const { value, skipped, sequence } = (await values.next()).value;
  assert.deepEqual([value, skipped, sequence], ["six", 4, 6n]);
  assert.throws(() => subject.resolve("todos").observe("state", { latestPerMs: 1, wanted: { type: "all" } }), TypeError);
});

test("a value that is no JSON fails the stream for its reader", async (t) => {
  const { peer, values } = await observing(t);
  const data = Buffer.from("{broken").toString("base64");
  peer.send("streamData", { streamID: STREAM, sequenceNumber: 2, data, timestamp: "2026-03-04T09:15:00Z" });
  await assert.rejects(values.next(), (error) => error instanceof StreamFailedError && error.code === "malformed");
  assert.equal((await peer.receive()).type, "streamEnd");
});

test("close ends what waits, unsubscribes, and nothing happens afterwards", async (t) => {
  const { server, subject, peer, values } = await observing(t);
  const value = assert.rejects(values.next(), ClientClosedError);
  const call = assert.rejects(subject.resolve("counter").add(1), ClientClosedError);
  await peer.receive();
  await subject.close();
  await Promise.all([value, call, peer.closed]);
  assert.equal((await peer.receive()).type, "streamEnd");
  assert.equal(server.peers.size, 0);
  await assert.rejects(subject.resolve("counter").add(1), ClientClosedError);
  assert.throws(() => subject.resolve("todos").observe().values(), ClientClosedError);
  await subject.connect();
  assert.equal(subject.state, "connected");
});

test("close while connecting ends the attempt", async (t) => {
  const server = await endpoint(t);
  const subject = client(t, server.url);
  const first = assert.rejects(subject.connect(), ClientClosedError);
  await subject.close();
  await first;
  assert.equal(subject.state, "closed");
});

test("close gives up a handshake that nobody answers", async (t) => {
  const silent = await mute(t);
  const subject = client(t, silent.url);
  const first = assert.rejects(subject.connect(), ClientClosedError);
  const socket = await silent.next();
  const gone = once(socket.resume(), "close");
  await subject.close();
  await Promise.all([first, gone]);
});

test("two who ask for the next value at once get one each", async (t) => {
  const { peer, values } = await observing(t);
  const both = Promise.all([values.next(), values.next()]);
  peer.state(2, "two");
  peer.state(3, "three");
  assert.deepEqual((await both).map(({ value }) => value.value).sort(), ["three", "two"]);
});

test("frames that are none of ours do not disturb", async (t) => {
  const { subject, peer } = await connected(t);
  const call = subject.resolve("counter").get();
  const frame = await peer.receive();
  for (const odd of [null, 7, [], { type: "toString", payload: {} }, { type: "response" }, { message: 1 }]) peer.sendDocument(odd);
  peer.send("response", { callID: frame.payload.callID, result: "not base64" });
  peer.send("streamStart", { streamID: STREAM, callID: STREAM });
  peer.answer(frame, asData("still there"));
  assert.equal(fromData(await call), "still there");
});
