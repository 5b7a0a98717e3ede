// An endpoint that does as it is told, and a clock that tests turn.

import { once } from "node:events";
import { createServer } from "node:net";
import { WebSocketServer } from "ws";

import { Backoff, TrebuchetClient } from "../src/index.js";
import { parse, stringify } from "../src/json.js";
import { NodeSocket } from "../src/node_socket.js";

export const STREAM = "2C8A1F60-4B7D-4E93-9D15-6A0E3F7B8C24";

/** A queue whose reader waits; a wait ends with an error after some seconds, so that a test cannot hang. */
export class Queue {
  #items = [];
  #readers = [];

  get size() {
    return this.#items.length;
  }

  put(item) {
    const reader = this.#readers.shift();
    if (reader) reader(item);
    else this.#items.push(item);
  }

  async take(what) {
    if (this.#items.length > 0) return this.#items.shift();
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing came in 20 s: ${what}`)), 20_000);
    });
    try {
      return await Promise.race([new Promise((resolve) => this.#readers.push(resolve)), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The endpoint's end of one connection. */
export class Peer {
  #socket;
  #frames = new Queue();

  constructor(socket, request) {
    this.#socket = socket;
    this.url = request.url;
    this.protocols = request.headers["sec-websocket-protocol"] ?? "";
    this.closed = once(socket, "close");
    socket.on("message", (data, isBinary) => this.#frames.put(isBinary ? "binary" : parse(String(data))));
  }

  /** Frames that came and were not looked at. */
  get unread() {
    return this.#frames.size;
  }

  receive() {
    return this.#frames.take("a frame of the client");
  }

  sendDocument(document) {
    this.#socket.send(stringify(document));
  }

  send(type, payload) {
    this.sendDocument({ type, payload });
  }

  answer(frame, value) {
    this.send("response", { callID: frame.payload.callID, result: asData(value) });
  }

  start(frame, extra = {}) {
    const { actorID, targetIdentifier, callID = crypto.randomUUID(), streamID = STREAM } = frame.payload;
    this.send("streamStart", { streamID, callID, actorID, targetIdentifier, ...extra });
  }

  state(sequenceNumber, value, extra = {}) {
    const timestamp = "2026-03-04T09:15:00Z";
    this.send("streamData", { streamID: STREAM, sequenceNumber, data: asData(value), timestamp, ...extra });
  }

  close(code) {
    this.#socket.close(code);
  }

  drop() {
    this.#socket.terminate();
  }

  stopReading() {
    this.#socket.pause();
  }

  startReading() {
    this.#socket.resume();
  }
}

export function asData(value) {
  return Buffer.from(stringify(value)).toString("base64");
}

export function fromData(text) {
  return parse(Buffer.from(text, "base64").toString());
}

/** A server on loopback; ends with the test. `refuse` gives a status to refuse handshakes with. */
export async function endpoint(t, { refuse = () => 0 } = {}) {
  const verifyClient = (info, done) => {
    const status = refuse(info.req);
    done(status === 0, status);
  };
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, verifyClient });
  const peers = new Queue();
  server.on("connection", (socket, request) => peers.put(new Peer(socket, request)));
  await once(server, "listening");
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { url: `ws://127.0.0.1:${server.address().port}/stage`, next: () => peers.take("a connection"), peers };
}

/** A server that takes connections and says nothing; ends with the test. */
export async function mute(t) {
  const server = createServer();
  const sockets = new Queue();
  const open = new Set();
  server.on("connection", (socket) => {
    open.add(socket.on("error", () => {}));
    sockets.put(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { url: `ws://127.0.0.1:${server.address().port}/stage`, next: () => sockets.take("a connection") };
}

/** A client that comes back at once; closed with the test. */
export function client(t, url, { options = {}, ...init } = {}) {
  const chosen = { backoff: new Backoff(0.01, 0.05), ...options };
  const made = new TrebuchetClient(url, { WebSocket: NodeSocket, options: chosen, ...init });
  t.after(() => made.close());
  return made;
}

/** A clock that stands still until it is turned; everything that comes due by then happens in order. */
export class TurnedClock {
  #now = 0;
  #due = new Map();

  constructor(epoch = 1_800_000_000) {
    this.start = epoch;
  }

  now = () => this.#now;

  epoch = () => this.start + this.#now;

  after = (seconds, action) => {
    const key = Symbol("due");
    this.#due.set(key, { at: this.#now + seconds, action });
    return () => this.#due.delete(key);
  };

  /** Pass time, step by step, with a rest at each step for what follows from it. */
  async turn(seconds) {
    const until = this.#now + seconds;
    for (;;) {
      await settle();
      const next = [...this.#due].sort(([, a], [, b]) => a.at - b.at)[0];
      if (!next || next[1].at > until) break;
      this.#due.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].action();
    }
    this.#now = until;
    await settle();
  }
}

/** Let promises and what has arrived have their turn. */
async function settle() {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
}
