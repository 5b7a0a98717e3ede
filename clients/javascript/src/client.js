// The client: one endpoint, whichever socket there is.

import { systemClock } from "./clock.js";
import { Conversation } from "./conversation.js";
import { ClientClosedError, ClientError, EndpointError } from "./errors.js";
import { newId } from "./frames.js";
import { MESSAGE_OF_GATEWAY, withDefaults } from "./options.js";
import { actorProxy } from "./proxy.js";
import { Session } from "./session.js";
import { Stream } from "./stream.js";
import { Subscription } from "./subscription.js";

/** One client of one endpoint. Drops are its affair: calls are repeated under their callID, streams resumed. */
export class TrebuchetClient {
  #way;
  #options;
  #world;
  #conversation;
  /** @type {Set<(change: import("./index.js").StateChange) => void>} */
  #watchers = new Set();
  /** @type {import("./index.js").StateChange} */
  #connection = Object.freeze({ state: "closed", reason: null, failures: 0 });
  /** @type {Session | null} */
  #session = null;
  /** Over when the session's sockets are closed. */
  #running = Promise.resolve();
  /** The first connection: who waits for it and for how long. @type {any} */
  #first = null;

  /** @param {string} url @param {import("./index.js").ClientInit} [init] */
  constructor(url, init = {}) {
    const { token, tokenIn = "query", WebSocket = globalThis.WebSocket, options, clock = systemClock } = init;
    this.#way = { url, token, tokenIn, WebSocket };
    // Where there is none, ours is used, which sends whatever the gateway takes.
    const limit = WebSocket ? /** @type {any} */ (WebSocket).messageLimit : MESSAGE_OF_GATEWAY;
    this.#options = withDefaults(options, limit);
    this.#world = { clock, chance: init.chance ?? Math.random };
    this.#conversation = new Conversation(this.#options, this.#world, (reason) => this.#finish(this.#session, reason));
    if (init.onState) this.onState(init.onState);
  }

  /** Where the client stands now. */
  get state() {
    return this.#connection.state;
  }

  /** What those who watch were told last. */
  get connection() {
    return this.#connection;
  }

  /**
   * Be told when the connection changes, and of each attempt to connect that fails.
   * @param {(change: import("./index.js").StateChange) => void} watcher
   * @returns {() => void} what ends it
   */
  onState(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Connect, and stay connected until `close()`.
   * @param {{patience?: number}} [how] patience: for how many seconds to try; 0 tries once, for as long as
   *   `connectTimeout` allows
   * @returns {Promise<void>}
   * @throws {EndpointError} the endpoint refuses, or nothing answers
   */
  connect({ patience = 30 } = {}) {
    if (this.#session) return Promise.reject(new ClientError("this client is connected already"));
    const session = new Session(this.#way, this.#options, this.#world);
    this.#session = session;
    this.#conversation.begin();
    const waits = patience > 0 && patience < Number.POSITIVE_INFINITY;
    const late = () => this.#giveUp(new EndpointError(`no connection to ${this.#way.url} within ${patience} s`));
    const first = new Promise((resolve, reject) => {
      const cancel = waits ? this.#world.clock.after(patience, late) : () => {};
      this.#first = { resolve, reject, cancel, once: patience <= 0, trouble: null };
    });
    this.#change("connecting", null);
    this.#running = this.#run(session);
    return first;
  }

  /**
   * End every stream and every wait, and close the socket, which takes a second at the most. Nothing is sent or
   * received afterwards.
   */
  async close() {
    this.#conversation.sayGoodbye();
    this.#finish(this.#session, null);
    await this.#running;
  }

  /**
   * An actor to call and to observe; nothing is sent.
   * @param {string} actor its id: `todos`, `todos/groceries`
   * @param {string} [key] what follows the slash
   * @returns {any}
   */
  resolve(actor, key) {
    return actorProxy(this, key === undefined ? actor : `${actor}/${key}`);
  }

  /**
   * Call a method and wait for its result; it takes effect at most once, however often it must be sent.
   * @param {string} actorId
   * @param {string} method
   * @param {readonly string[]} [documents] a JSON document for each argument
   * @param {import("./index.js").CallOptions} [options]
   * @returns {Promise<string>} the result's JSON document; empty for a method without one
   * @throws {ClientError}
   */
  async call(actorId, method, documents = [], { timeout = this.#options.callTimeout, callId = newId() } = {}) {
    return this.#conversation.call(callId, { actorId, method, documents: [...documents], timeout });
  }

  /**
   * A stream of an observed property, until it is left.
   * @param {string} actorId
   * @param {string} target `observe<Property>`
   * @param {{wanted?: import("./index.js").StreamFilter | null, latest?: boolean}} [options]
   * @returns {{stream: Stream, leave: () => void}}
   * @throws {ClientClosedError}
   */
  stream(actorId, target, { wanted = null, latest = false } = {}) {
    const subscription = new Subscription(actorId, target, wanted);
    const stream = new Stream(actorId, subscription, this.#options, { latest, chance: this.#world.chance });
    this.#conversation.enter(stream);
    return { stream, leave: () => this.#conversation.leave(stream) };
  }

  /** @param {Session} session */
  async #run(session) {
    const conversation = this.#conversation;
    try {
      await session.run({
        asking: () => conversation.asking,
        watching: () => conversation.watching,
        opened: (link) => this.#opened(link),
        received: (text) => conversation.receive(text),
        tick: () => conversation.tick(),
        lost: (error, failures) => this.#lost(error, failures),
      });
    } catch (error) {
      const known = error instanceof ClientError ? error : new ClientError(`the client failed: ${error}`);
      this.#first?.reject(known);
      this.#finish(session, known.message);
    }
  }

  /** The end: `close()`, or for a reason. @param {Session | null} session @param {string | null} reason */
  #finish(session, reason) {
    if (!session || session !== this.#session) return;
    this.#session = null;
    session.close();
    const end = reason ?? "the client is closed";
    this.#conversation.finish(end);
    this.#first?.reject(new ClientClosedError(end));
    this.#first?.cancel();
    this.#first = null;
    this.#change("closed", reason);
  }

  /** @param {any} link */
  #opened(link) {
    this.#conversation.take(link);
    this.#first?.resolve();
    this.#first?.cancel();
    this.#first = null;
    this.#change("connected", null);
  }

  /** @param {import("./errors.js").LinkLostError} error @param {number} failures */
  #lost(error, failures) {
    this.#conversation.drop(error);
    const { message, status } = error;
    if (!this.#first) {
      this.#change("reconnecting", message, failures);
      return;
    }
    this.#first.trouble = new EndpointError(message, { status });
    if (this.#first.once) this.#giveUp(this.#first.trouble);
    else this.#change("connecting", message, failures);
  }

  /** Nobody waits any longer for the first connection. @param {EndpointError} error */
  #giveUp(error) {
    const known = this.#first.trouble ?? error;
    this.#first.reject(known);
    this.#finish(this.#session, known.message);
  }

  /** @param {import("./index.js").ConnectionState} state @param {string | null} reason @param {number} [failures] */
  #change(state, reason, failures = 0) {
    if (state === this.state && !failures) return;
    this.#connection = Object.freeze({ state, reason, failures });
    for (const watcher of this.#watchers) {
      try {
        watcher(this.#connection);
      } catch (error) {
        // The program's own function: what it throws is told where such things are told, and harms no connection.
        (globalThis.reportError ?? console.error)(error);
      }
    }
  }
}
