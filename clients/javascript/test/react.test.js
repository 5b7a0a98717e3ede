// The provider and the hook, rendered without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createElement, StrictMode } from "react";
import { create } from "react-test-renderer";

import { Backoff, ClientError, EndpointError } from "../src/index.js";
import { NodeSocket } from "../src/node_socket.js";
import { Trebuche, useObservedActor } from "../src/react.js";
import { client, endpoint, Queue, STREAM } from "./support.js";

/** What the hook shows, render by render. */
function harness(t, transport, { wrap = (element) => element } = {}) {
  const shown = new Queue();
  const Todos = ({ actor = "todos", observe = "state" }) => {
    shown.put({ ...useObservedActor(actor, { observe }), of: `${actor} ${observe}` });
    return null;
  };
  const tree = (props) => wrap(createElement(Trebuche, { transport }, createElement(Todos, props)));
  const renderer = create(tree({}));
  t.after(() => renderer.unmount());
  const until = async (condition) => {
    for (;;) {
      const seen = await shown.take(String(condition));
      if (condition(seen)) return seen;
    }
  };
  return { until, unmount: () => renderer.unmount(), rerender: (props) => renderer.update(tree(props)) };
}

const init = (url) => ({ url, WebSocket: NodeSocket, options: { backoff: new Backoff(0.01, 0.05) } });

test("the hook shows the state as it changes, the connection, and how it recovered", async (t) => {
  const server = await endpoint(t);
  const { until, unmount } = harness(t, init(server.url));
  const before = await until(({ loading }) => loading);
  assert.deepEqual([before.state, before.connected, before.recovered, before.error], [undefined, false, null, null]);

  const peer = await server.next();
  peer.start(await peer.receive());
  peer.state(1, { todos: [] });
  const first = await until(({ loading, connected }) => !loading && connected);
  assert.deepEqual(first.state, { todos: [] });

  peer.drop();
  const away = await until(({ connected }) => !connected);
  assert.deepEqual(away.state, { todos: [] }, "the last value stays while the connection is away");

  const next = await server.next();
  next.start(await next.receive(), { recovered: true });
  next.state(2, { todos: ["Milk"] });
  const after = await until(({ recovered, connected }) => recovered && connected);
  assert.deepEqual(after.state, { todos: ["Milk"] });

  const call = after.call("addTodo", "Bread");
  next.answer(await next.receive(), "t2");
  assert.equal(await call, "t2");

  unmount();
  assert.equal((await next.receive()).type, "streamEnd");
  await next.closed;
});

test("an error of the stream is shown, and the connection stays", async (t) => {
  const server = await endpoint(t);
  const { until } = harness(t, init(server.url));
  const peer = await server.next();
  const { callID } = (await peer.receive()).payload;
  peer.send("response", { callID, errorMessage: "no property state", code: "not_found" });
  const shown = await until(({ error, connected }) => error && connected);
  assert.deepEqual([shown.error.code, shown.loading], ["not_found", false]);
});

test("another actor is another stream, and nothing of the first is shown", async (t) => {
  const server = await endpoint(t);
  const { until, rerender } = harness(t, init(server.url));
  const peer = await server.next();
  peer.start(await peer.receive());
  peer.state(1, "of todos");
  await until(({ state }) => state === "of todos");
  rerender({ actor: "game" });
  assert.equal((await until(({ loading }) => loading)).state, undefined);
  const frames = [await peer.receive(), await peer.receive()];
  const types = frames.map(({ type, action }) => `${action} ${type}`).sort();
  assert.deepEqual(types, ["game invocation", "todos streamEnd"]);
});

for (const [what, props] of Object.entries({ actor: { actor: "game" }, property: { observe: "messages" } })) {
  test(`no rendering shows the state of one ${what} under the name of another`, async (t) => {
    const server = await endpoint(t);
    const { until, rerender } = harness(t, init(server.url));
    const peer = await server.next();
    peer.start(await peer.receive());
    peer.state(1, "of the first");
    await until(({ state }) => state === "of the first");
    rerender(props);
    const first = await until(({ of }) => of !== "todos state");
    assert.deepEqual([first.state, first.loading], [undefined, true]);
    rerender({});
    const back = await until(({ of }) => of === "todos state");
    assert.deepEqual([back.state, back.loading], [undefined, true]);
  });
}

test("a stream that the server ends is no longer loading, and says why it ended", async (t) => {
  const server = await endpoint(t);
  const { until } = harness(t, init(server.url));
  const peer = await server.next();
  peer.start(await peer.receive());
  peer.send("streamEnd", { streamID: STREAM, reason: "actorTerminated" });
  const shown = await until(({ error }) => error);
  assert.deepEqual([shown.error.code, shown.loading, shown.connected], ["actorTerminated", false, true]);
});

test("an endpoint that refuses, or is away, is told while the client tries on, and forgotten when it is back", async (t) => {
  const server = await endpoint(t, { refuse: () => (away ? 503 : 0) });
  let away = true;
  const { until } = harness(t, init(server.url));
  const shown = await until(({ error }) => error);
  assert.match(shown.error.message, /HTTP 503/);
  assert.deepEqual([shown.loading, shown.connected, shown.error instanceof EndpointError], [false, false, true]);
  away = false;
  assert.equal((await until(({ connected }) => connected)).error, null);
  const peer = await server.next();
  peer.start(await peer.receive());
  peer.state(1, "there");
  await until(({ state }) => state === "there");
  away = true;
  peer.drop();
  assert.equal((await until(({ error }) => error)).state, "there", "the last value stays");
});

test("whose token is refused for good is told, and does not come back", async (t) => {
  let handshakes = 0;
  const server = await endpoint(t, { refuse: () => (handshakes += 1) && 403 });
  const { until } = harness(t, init(server.url));
  assert.match((await until(({ error }) => error)).error.message, /HTTP 403/);
  assert.equal(handshakes, 1);
});

test("whose right was taken back is told, and does not come back", async (t) => {
  const server = await endpoint(t);
  const { until } = harness(t, init(server.url));
  const peer = await server.next();
  peer.start(await peer.receive());
  peer.send("streamError", { streamID: STREAM, errorMessage: "The right was taken back", code: "revoked" });
  const { error } = await until((seen) => seen.error && !seen.connected);
  assert.equal(error.code, "revoked");
  await peer.closed;
  assert.equal(server.peers.size, 0);
});

test("a client of one's own is used and left open", async (t) => {
  const server = await endpoint(t);
  const own = client(t, server.url);
  await own.connect();
  const { until, unmount } = harness(t, own);
  await until(({ connected }) => connected);
  unmount();
  assert.equal(own.state, "connected");
});

test("in strict mode, which runs effects twice, one connection remains", async (t) => {
  const server = await endpoint(t);
  const { until } = harness(t, init(server.url), { wrap: (tree) => createElement(StrictMode, null, tree) });
  await until(({ connected }) => connected);
  assert.ok(server.peers.size >= 1);
  const peers = [];
  while (server.peers.size > 0) peers.push(await server.next());
  await Promise.all(peers.slice(0, -1).map((peer) => peer.closed));
});

test("without a provider a call says what is missing", async () => {
  const shown = new Queue();
  const Bare = () => {
    shown.put(useObservedActor("todos"));
    return null;
  };
  create(createElement(Bare));
  const { call } = await shown.take("a rendering");
  await assert.rejects(call("addTodo"), ClientError);
});
