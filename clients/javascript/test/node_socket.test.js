// The WebSocket of our own for node: handshake, frames in and out, endings. RFC 6455 says what is right.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NodeSocket } from "../src/node_socket.js";
import { bytesOf, scripted } from "./scripted.js";
import { endpoint, Queue } from "./support.js";

const [TEXT, BINARY, CLOSE, PING, PONG, FINAL] = [0x1, 0x2, 0x8, 0x9, 0xa, 0x80];

/** A socket, and what it told: `open`, `message …`, `error …`, `close …`. */
function watched(url, protocols) {
  const socket = new NodeSocket(url, protocols);
  const told = new Queue();
  socket.onopen = () => told.put({ type: "open" });
  socket.onmessage = ({ data }) => told.put({ type: "message", data });
  socket.onerror = ({ message, status }) => told.put({ type: "error", message, status });
  socket.onclose = ({ code, reason }) => told.put({ type: "close", code, reason });
  return { socket, told: () => told.take("an event of the socket") };
}

/** An open socket, and the other end. */
async function opened(t, how) {
  const server = await scripted(t);
  const { socket, told } = watched(server.url);
  const peer = await server.next();
  await peer.accept(how);
  assert.deepEqual(await told(), { type: "open" });
  return { socket, told, peer };
}

test("the handshake asks for what RFC 6455 wants, with a key of its own", async (t) => {
  const server = await scripted(t);
  const keys = new Set();
  for (let count = 0; count < 2; count += 1) {
    const { socket } = watched(server.url, ["trebuche", "secret"]);
    const { line, headers } = await (await server.next()).request();
    assert.equal(line, "GET /stage?a=b HTTP/1.1");
    assert.equal(headers.upgrade, "websocket");
    assert.equal(headers.connection, "Upgrade");
    assert.equal(headers["sec-websocket-version"], "13");
    assert.equal(headers["sec-websocket-protocol"], "trebuche, secret");
    assert.equal(headers.host, new URL(server.url).host);
    assert.equal(Buffer.from(headers["sec-websocket-key"], "base64").length, 16);
    keys.add(headers["sec-websocket-key"]);
    socket.terminate();
  }
  assert.equal(keys.size, 2);
});

for (const status of [302, 401, 403, 429, 503]) {
  test(`a handshake that is refused tells its status: ${status}`, async (t) => {
    const { url } = await endpoint(t, { refuse: () => status });
    const { socket, told } = watched(url);
    assert.deepEqual(await told(), { type: "error", message: `HTTP ${status}`, status });
    assert.deepEqual(await told(), { type: "close", code: 1006, reason: "" });
    assert.equal(socket.readyState, 3);
  });
}

test("where nobody listens, the error says so", async () => {
  const { told } = watched("ws://127.0.0.1:9");
  assert.match((await told()).message, /ECONNREFUSED/);
  assert.equal((await told()).code, 1006);
});

for (const [what, how] of Object.entries({
  "another key's": { accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" },
  "one with a sub-protocol that was not offered": { extra: "Sec-WebSocket-Protocol: chat\r\n" },
  "one with an extension": { extra: "Sec-WebSocket-Extensions: permessage-deflate\r\n" },
})) {
  test(`an answer that is ${what} is none`, async (t) => {
    const server = await scripted(t);
    const { told } = watched(server.url, ["trebuche"]);
    const peer = await server.next();
    await peer.accept(how);
    assert.equal((await told()).type, "error");
    assert.equal((await told()).code, 1006);
    await peer.closed;
  });
}

test("an offered sub-protocol may be chosen", async (t) => {
  const server = await scripted(t);
  const { told } = watched(server.url, ["trebuche", "secret"]);
  await (await server.next()).accept({ extra: "Sec-WebSocket-Protocol: trebuche\r\n" });
  assert.equal((await told()).type, "open");
});

test("what is no WebSocket address is refused at once", () => {
  assert.throws(() => new NodeSocket("https://example.test"), TypeError);
  assert.throws(() => new NodeSocket("nowhere"), TypeError);
});

for (const length of [0, 125, 126, 32_000, 32_001, 131_072]) {
  test(`a message of ${length} bytes arrives whole, masked, in frames that the gateway takes`, async (t) => {
    const { socket, peer } = await opened(t);
    // Two bytes a character, and one more in front: no frame may end between two that belong together.
    const text = length % 2 ? `x${"ä".repeat((length - 1) / 2)}` : "ä".repeat(length / 2);
    socket.send(text);
    const frames = [await peer.frame()];
    while (!frames.at(-1).final) frames.push(await peer.frame());
    assert.equal(frames.map(({ payload }) => payload.toString()).join(""), text);
    assert.deepEqual([...new Set(frames.map(({ masked }) => masked))], [true]);
    assert.deepEqual(frames.map(({ opcode }) => opcode), frames.map((_, index) => (index === 0 ? TEXT : 0)));
    assert.ok(Math.max(...frames.map(({ payload }) => payload.length)) <= 32_768 - 8);
    assert.ok(frames.every(({ payload }) => !payload.toString().includes("\ufffd")), "a frame ends within a character");
  });
}

test("each frame is masked otherwise, so the same text is not the same bytes", async (t) => {
  const { socket, peer } = await opened(t);
  const seen = new Set();
  for (let count = 0; count < 20; count += 1) socket.send("the same");
  for (let count = 0; count < 20; count += 1) seen.add((await peer.frame()).mask);
  assert.ok(seen.size > 15, `${seen.size} masks for 20 frames`);
});

for (const size of [5, 130, 70_000]) {
  test(`a message of ${size} bytes is read, however it is cut on the way`, async (t) => {
    const { told, peer } = await opened(t);
    const text = "x".repeat(size);
    const bytes = bytesOf(FINAL | TEXT, text);
    for (const [start, end] of [[0, 1], [1, 3], [3, 6], [6, size], [size]]) {
      peer.write(bytes.subarray(start, end));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(await told(), { type: "message", data: text });
  });
}

test("a message in parts is one, and a ping between them is answered at once", async (t) => {
  const { told, peer } = await opened(t);
  peer.write(bytesOf(TEXT, "one, "));
  peer.write(bytesOf(FINAL | PING, "are you there?"));
  peer.write(bytesOf(0, "two, "));
  const pong = await peer.frame();
  assert.deepEqual([pong.opcode, pong.payload.toString(), pong.masked], [PONG, "are you there?", true]);
  peer.write(Buffer.concat([bytesOf(FINAL, "three"), bytesOf(FINAL | PONG, "unasked"), bytesOf(FINAL | TEXT, "next")]));
  assert.equal((await told()).data, "one, two, three");
  assert.equal((await told()).data, "next");
});

test("what comes right behind the handshake is not lost", async (t) => {
  const { told } = await opened(t, { behind: bytesOf(FINAL | TEXT, "early") });
  assert.equal((await told()).data, "early");
});

test("a byte order mark belongs to the text, and binary messages are handed on as bytes", async (t) => {
  const { told, peer } = await opened(t);
  peer.write(bytesOf(FINAL | TEXT, "\ufeffx"));
  peer.write(bytesOf(FINAL | BINARY, [1, 2]));
  assert.equal((await told()).data, "\ufeffx");
  assert.deepEqual([...(await told()).data], [1, 2]);
});

test("a goodbye is answered, told with code and reason, and nothing after it is heard", async (t) => {
  const { socket, told, peer } = await opened(t);
  peer.write(Buffer.concat([bytesOf(FINAL | CLOSE, [0x03, 0xe9, ...Buffer.from("going")]), bytesOf(FINAL | TEXT, "late")]));
  const answer = await peer.frame();
  assert.deepEqual([answer.opcode, answer.payload.readUInt16BE()], [CLOSE, 1001]);
  assert.deepEqual(await told(), { type: "close", code: 1001, reason: "going" });
  socket.send("into the void");
  assert.equal(socket.readyState, 3);
  await peer.closed;
});

test("a goodbye without a code is 1005", async (t) => {
  const { told, peer } = await opened(t);
  peer.write(bytesOf(FINAL | CLOSE, []));
  assert.equal((await peer.frame()).payload.readUInt16BE(), 1000);
  assert.equal((await told()).code, 1005);
});

test("whoever closes says so, hears what is still under way, and is told the end", async (t) => {
  const { socket, told, peer } = await opened(t);
  socket.close(1000);
  assert.deepEqual([(await peer.frame()).opcode, socket.readyState], [CLOSE, 2]);
  peer.write(bytesOf(FINAL | TEXT, "under way"));
  peer.write(bytesOf(FINAL | CLOSE, [0x03, 0xe8]));
  assert.equal((await told()).data, "under way");
  assert.deepEqual(await told(), { type: "close", code: 1000, reason: "" });
});

test("closing before the handshake is over ends it", async (t) => {
  const server = await scripted(t);
  const { socket, told } = watched(server.url);
  const peer = await server.next();
  socket.close();
  assert.match((await told()).message, /closed by this client/);
  assert.equal((await told()).code, 1006);
  await peer.closed;
});

for (const [how, end] of Object.entries({ "the other side ends the connection": "end", "it is broken off here": "terminate" })) {
  test(`without a goodbye the code is 1006: ${how}`, async (t) => {
    const { socket, told, peer } = await opened(t);
    if (end === "end") peer.end();
    else socket.terminate();
    assert.deepEqual(await told(), { type: "close", code: 1006, reason: "" });
  });
}

for (const [what, bytes, code] of [
  ["masked by a server", Buffer.from([FINAL | TEXT, 0x81, 1, 2, 3, 4, 5]), 1002],
  ["with a reserved bit", bytesOf(FINAL | 0x40 | TEXT, "x"), 1002],
  ["of an unknown kind", bytesOf(FINAL | 0x3, "x"), 1002],
  ["of control in parts", bytesOf(PING, "x"), 1002],
  ["of control that is too long", bytesOf(FINAL | PING, "x".repeat(126)), 1002],
  ["that goes on with nothing", bytesOf(FINAL, "x"), 1002],
  ["that begins within another", Buffer.concat([bytesOf(TEXT, "x"), bytesOf(FINAL | TEXT, "y")]), 1002],
  ["of text that is no UTF-8", bytesOf(FINAL | TEXT, [0xc3, 0x28]), 1007],
  ["that closes with half a code", bytesOf(FINAL | CLOSE, [0x03]), 1002],
  ["that closes with a code that must not travel", bytesOf(FINAL | CLOSE, [0x03, 0xee]), 1002],
  ["of a message that is too large", bytesOf(FINAL | TEXT, "x".repeat(262_145)).subarray(0, 10), 1009],
  ["that makes a message too large", Buffer.concat([bytesOf(TEXT, "x".repeat(200_000)), bytesOf(0, "x".repeat(200_000))]), 1009],
]) {
  test(`a frame ${what} ends the connection with ${code}`, async (t) => {
    const { told, peer } = await opened(t);
    peer.write(bytes);
    const goodbye = await peer.frame();
    assert.deepEqual([goodbye.opcode, goodbye.payload.readUInt16BE()], [CLOSE, code]);
    const { code: told1006, reason } = await told();
    assert.equal(told1006, 1006);
    assert.match(reason, /does not keep to the protocol/);
    await peer.closed;
  });
}
