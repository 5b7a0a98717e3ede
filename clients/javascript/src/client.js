// The client: what is asked, on whichever socket there is.

import { Calls } from "./calls.js";
import { systemClock, timer } from "./clock.js";
import {
  CallFailedError,
  CallTimeoutError,
  ClientClosedError,
  ClientError,
  EndpointError,
  StreamFailedError,
} from "./errors.js";
import { fromText, invocation, newId, toText } from "./frames.js";
import { withDefaults } from "./options.js";
import { actorProxy } from "./proxy.js";
import { Session } from "./session.js";
import { Stream } from "./stream.js";
import { Subscription } from "./subscription.js";

/** What waits for an answer gets when the time is over. */
const LATE = Object.freeze({ late: true });

/** One client of one endpoint. Drops are its affair: calls are repeated under their callID, streams resumed. */
export class TrebuchetClient {
  #how;
  #options;
  #clock;
  #chance;
  #calls = new Calls();
  /** @type {Set<Stream>} */
  #streams = new Set();
  /** @type {Set<(change: import("./index.js").StateChange) => void>} */
  #watchers = new Set();
  /** What is to happen later. @type {Set<() => void>} */
  #later = new Set();
  /** @type {import("./index.js").ConnectionState} */
  #state = "closed";
  /** @type {import("./link.js").Link | null} */
  #link = null;
  /** @type {Session | null} */
  #session = null;
  /** The first connection: who waits for it and until when. @type {any} */
  #first = null;
  #retries = 0;
  /** @type {Generator<number, never, void>} */
  #pauses;
  #repeating = false;
  #end = "the client is not connected; await connect() first";

  /** @param {string} url @param {import("./index.js").ClientInit} [init] */
  constructor(url, init = {}) {
    const { token, tokenIn = "query", WebSocket = globalThis.WebSocket, options, clock = systemClock } = init;
    if (typeof WebSocket !== "function") {
      throw new TypeError("there is no WebSocket here (node before 22): pass one, as { WebSocket } from the package ws");
    }
    this.#how = { url, token, tokenIn, WebSocket };
    this.#options = withDefaults(options);
    this.#clock = clock;
    this.#chance = init.chance ?? Math.random;
    this.#pauses = this.#options.backoff.delays(this.#chance);
    if (init.onState) this.onState(init.onState);
  }

  /** Where the client stands now. */
  get state() {
    return this.#state;
  }

  /**
   * Be told when the connection changes.
   * @param {(change: import("./index.js").StateChange) => void} watcher
   * @returns {() => void} what ends it
   */
  onState(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Connect, and stay connected until `close()`.
   * @param {{patience?: number}} [how] patience: for how many seconds to try if nothing answers; 0 tries once
   * @returns {Promise<void>}
   * @throws {EndpointError} the endpoint refuses, or nothing answers
   */
  connect({ patience = 30 } = {}) {
    if (this.#session) return Promise.reject(new ClientError("this client is connected already"));
    this.#end = "the client is closed";
    const first = new Promise((resolve, reject) => {
      this.#first = { resolve, reject, giveUpAt: this.#clock.now() + patience };
    });
    this.#session = new Session(this.#how, this.#options, { clock: this.#clock, chance: this.#chance });
    this.#change("connecting", null);
    this.#run(this.#session);
    return first;
  }

  /** End every stream and every wait, and close the socket. Nothing is sent or received afterwards. */
  async close() {
    for (const stream of this.#streams) this.#unsubscribe(stream);
    this.#finish(this.#session, "the client is closed", null);
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
    this.#checkOpen();
    const frame = invocation(callId, actorId, method, { documents: [...documents] });
    const text = toText(frame, actorId, this.#options.messageLimit);
    const deadline = timer(this.#clock, timeout);
    const late = deadline.done.then(() => LATE);
    try {
      return await this.#askUntil(late, callId, text, timeout);
    } finally {
      deadline.cancel();
      this.#calls.forget(callId);
    }
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
    this.#checkOpen();
    const subscription = new Subscription(actorId, target, wanted);
    const stream = new Stream(actorId, subscription, this.#options, { latest, chance: this.#chance });
    this.#openStream(stream);
    this.#streams.add(stream);
    const leave = () => {
      if (this.#streams.delete(stream)) this.#unsubscribe(stream);
      stream.finish(null);
    };
    return { stream, leave };
  }

  /** @param {Session} session */
  async #run(session) {
    /** @type {import("./session.js").Listener} */
    const listener = {
      asking: () => this.#calls.any || [...this.#streams].some((stream) => !stream.acknowledged),
      watching: () => this.#streams.size > 0,
      opened: (link) => this.#opened(link),
      received: (text) => this.#received(text),
      tick: () => this.#tick(),
      lost: (error) => this.#lost(error),
    };
    try {
      await session.run(listener);
    } catch (error) {
      const known = error instanceof ClientError ? error : new ClientError(`the client failed: ${error}`);
      this.#first?.reject(known);
      this.#finish(session, known.message, known.message);
    }
  }

  /** @param {Session | null} session @param {string} end @param {string | null} reason */
  #finish(session, end, reason) {
    if (!session || session !== this.#session) return;
    this.#session = null;
    this.#link = null;
    this.#end = end;
    session.close();
    for (const cancel of this.#later) cancel();
    this.#later.clear();
    this.#repeating = false;
    const error = new ClientClosedError(end);
    this.#calls.fail(error);
    for (const stream of this.#streams) stream.finish(error);
    this.#streams.clear();
    this.#first?.reject(error);
    this.#first = null;
    this.#change("closed", reason);
  }

  /**
   * @param {Promise<typeof LATE>} late
   * @param {string} callId
   * @param {string} text
   * @param {number} timeout
   */
  async #askUntil(late, callId, text, timeout) {
    /** @type {CallFailedError | null} */
    let refused = null;
    for (const delay of this.#options.backoff.delays(this.#chance)) {
      this.#checkOpen();
      const asked = this.#calls.expect(callId, text);
      this.#send(text);
      const answer = await Promise.race([asked, late]);
      if (answer === LATE) break;
      if (answer.errorMessage === null) return answer.result ?? "";
      refused = new CallFailedError(answer.errorMessage, answer);
      if (!refused.retryable) throw refused;
      const pause = timer(this.#clock, delay);
      const first = await Promise.race([pause.done, late]);
      pause.cancel();
      if (first === LATE) break;
    }
    throw refused ?? new CallTimeoutError(callId, timeout);
  }

  /** Repeat on a fresh socket what was not answered, and resume the streams there. @param {any} link */
  #opened(link) {
    this.#link = link;
    this.#repeatUnanswered();
    for (const stream of this.#streams) this.#openStream(stream);
    this.#first?.resolve();
    this.#first = null;
    this.#change("connected", null);
  }

  /** @param {string} text */
  #received(text) {
    const envelope = fromText(text);
    if (envelope === null || this.#session === null) return;
    if (envelope.type === "gatewayError") {
      this.#repeatLater(envelope);
      return;
    }
    if (envelope.type === "response") {
      this.#resetRetries();
      this.#calls.answer(envelope);
    }
    if (envelope.type === "streamStart" && ![...this.#streams].some((stream) => stream.askedFor(envelope))) {
      // Opened by a call that was repeated, or left since: nobody reads it.
      const stray = { type: "streamEnd", streamID: envelope.streamID, reason: "clientUnsubscribed" };
      this.#sendEnvelope(stray, envelope.actorID.id);
    }
    this.#toStreams(envelope);
  }

  /** Ask again for streams whose opening was never answered. */
  #tick() {
    const now = this.#clock.now();
    for (const stream of this.#streams) {
      const late = stream.askedAt !== null && now - stream.askedAt > this.#options.callTimeout;
      if (late && !stream.acknowledged) this.#openStream(stream);
    }
  }

  /** @param {import("./errors.js").LinkLostError} error */
  #lost(error) {
    this.#link = null;
    const reason = error.message;
    if (error.refusing) this.#failUnanswered(`the gateway refused a message: ${reason}`, false);
    if (!this.#first) {
      this.#change("reconnecting", reason);
    } else if (this.#clock.now() >= this.#first.giveUpAt) {
      this.#first.reject(new EndpointError(reason));
      this.#finish(this.#session, reason, reason);
    }
  }

  /** Show an envelope to every stream: there are few, and each knows its own. @param {any} envelope */
  #toStreams(envelope) {
    for (const stream of [...this.#streams]) {
      const { events, send } = stream.receive(envelope);
      if (send) this.#sendEnvelope(send, stream.actorId);
      const again = events.some((event) => event.kind === "failed" && event.retryable);
      if (again) this.#after(stream.pauses.next().value, () => this.#openStream(stream));
    }
  }

  /** @param {Stream} stream */
  #openStream(stream) {
    if (!stream.over) this.#sendEnvelope(stream.opening(this.#clock.now()), stream.actorId);
  }

  /** @param {Stream} stream */
  #unsubscribe(stream) {
    const closing = stream.over ? null : stream.closing();
    if (closing) this.#sendEnvelope(closing, stream.actorId);
  }

  /**
   * A function failed, or a limit was hit, and nobody says for whom: everything unanswered is asked again.
   * @param {any} error
   */
  #repeatLater(error) {
    if (this.#repeating) return;
    if (this.#retries >= this.#options.gatewayRetries) {
      this.#resetRetries();
      this.#failUnanswered(`the gateway answers: ${error.message} (request ${error.requestId})`, true);
      return;
    }
    this.#retries += 1;
    this.#repeating = true;
    this.#after(this.#pauses.next().value, () => {
      this.#repeating = false;
      this.#repeatUnanswered();
      for (const stream of this.#streams) if (!stream.acknowledged) this.#openStream(stream);
    });
  }

  #resetRetries() {
    this.#retries = 0;
    this.#pauses = this.#options.backoff.delays(this.#chance);
  }

  #repeatUnanswered() {
    for (const text of this.#calls.unanswered) this.#send(text);
  }

  /** @param {string} text @param {boolean} retryable */
  #failUnanswered(text, retryable) {
    this.#calls.fail(new CallFailedError(text, { code: "gateway", retryable }));
    for (const stream of this.#streams) {
      if (!stream.acknowledged) stream.finish(new StreamFailedError(text, { code: "gateway", retryable }));
    }
  }

  /** @param {number} seconds @param {() => void} action */
  #after(seconds, action) {
    const cancel = this.#clock.after(seconds, () => {
      this.#later.delete(cancel);
      action();
    });
    this.#later.add(cancel);
  }

  /** @param {any} envelope @param {string} actorId */
  #sendEnvelope(envelope, actorId) {
    this.#send(toText(envelope, actorId, this.#options.messageLimit));
  }

  /** Send on the socket that there is; without one, the next one starts with what is unanswered. @param {string} text */
  #send(text) {
    this.#link?.send(text);
  }

  /** @param {import("./index.js").ConnectionState} state @param {string | null} reason */
  #change(state, reason) {
    if (state === this.#state) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher({ state, reason });
  }

  #checkOpen() {
    if (!this.#session) throw new ClientClosedError(this.#end);
  }
}
