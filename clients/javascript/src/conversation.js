// What is asked and not yet answered: calls and streams, on whichever socket there is.

import { Calls } from "./calls.js";
import { timer } from "./clock.js";
import { CallFailedError, CallTimeoutError, ClientClosedError, StreamFailedError } from "./errors.js";
import { fromText, invocation, toText } from "./frames.js";

/** What waits for an answer gets when the time is over. */
const LATE = Object.freeze({ late: true });
/** By this code the endpoint says that whoever is connected has lost the right to be: no way leads back in. */
const REVOKED = "revoked";

/** @typedef {import("./stream.js").Stream} Stream */

/** Calls and streams that outlive the sockets they are carried by. */
export class Conversation {
  #options;
  #clock;
  #chance;
  #revoked;
  #calls = new Calls();
  /** @type {Set<Stream>} */
  #streams = new Set();
  /** What is to happen later. @type {Set<() => void>} */
  #later = new Set();
  /** @type {import("./link.js").Link | null} */
  #link = null;
  #retries = 0;
  /** @type {Generator<number, never, void>} */
  #pauses;
  #repeating = false;
  /** Why nothing can be asked. @type {string | null} */
  #end = "the client is not connected; await connect() first";

  /**
   * @param {import("./index.js").ClientOptions} options
   * @param {{clock: import("./index.js").Clock, chance: () => number}} world
   * @param {(reason: string) => void} revoked is told when the right to be connected was taken back
   */
  constructor(options, { clock, chance }, revoked) {
    this.#options = options;
    this.#clock = clock;
    this.#chance = chance;
    this.#revoked = revoked;
    this.#pauses = options.backoff.delays(chance);
  }

  /** Whether an answer should come. */
  get asking() {
    return this.#calls.any || [...this.#streams].some((stream) => !stream.acknowledged);
  }

  /** Whether a value may come. */
  get watching() {
    return this.#streams.size > 0;
  }

  /** From now on calls and streams may be asked for, also while there is no socket yet. */
  begin() {
    this.#end = null;
  }

  /**
   * Call a method until there is an answer that will not pass, over as many sockets as it takes.
   * @param {string} callId
   * @param {{actorId: string, method: string, documents: string[], timeout: number}} what
   * @returns {Promise<string>} the result's JSON document; empty for a method without one
   */
  async call(callId, { actorId, method, documents, timeout }) {
    this.#checkOpen();
    const text = toText(invocation(callId, actorId, method, { documents }), actorId, this.#options.messageLimit);
    const deadline = timer(this.#clock, timeout);
    const late = deadline.done.then(() => LATE);
    try {
      return await this.#askUntil(late, callId, text, timeout);
    } finally {
      deadline.cancel();
      this.#calls.forget(callId);
    }
  }

  /** Open a stream, and keep it open. @param {Stream} stream */
  enter(stream) {
    this.#checkOpen();
    this.#openStream(stream);
    this.#streams.add(stream);
  }

  /** Nobody reads a stream any more. @param {Stream} stream */
  leave(stream) {
    if (this.#streams.delete(stream)) this.#unsubscribe(stream);
    stream.finish(null);
  }

  /** Go on over a fresh socket: repeat there what was not answered, and resume the streams. @param {any} link */
  take(link) {
    this.#link = link;
    this.#repeatUnanswered();
    for (const stream of this.#streams) this.#openStream(stream);
  }

  /** There is no socket now. @param {import("./errors.js").LinkLostError} error */
  drop(error) {
    this.#link = null;
    if (error.refusing) this.#failUnanswered(`the gateway refused a message: ${error.message}`, false);
  }

  /** Hand on what came. @param {string} text */
  receive(text) {
    const envelope = fromText(text);
    if (envelope === null || this.#end !== null) return;
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
    if (envelope.code === REVOKED) {
      this.#revoked(`the endpoint has taken the right to be connected back: ${envelope.errorMessage}`);
    }
  }

  /** Ask again for streams whose opening was never answered. */
  tick() {
    const now = this.#clock.now();
    for (const stream of this.#streams) {
      const late = stream.askedAt !== null && now - stream.askedAt > this.#options.callTimeout;
      if (late && !stream.acknowledged) this.#openStream(stream);
    }
  }

  /** Unsubscribe from every stream, or each is posted to until a post finds the connection gone. */
  sayGoodbye() {
    for (const stream of this.#streams) this.#unsubscribe(stream);
  }

  /** Let everybody who waits or asks know that nothing more will come. @param {string} reason */
  finish(reason) {
    this.#end = reason;
    this.#link = null;
    for (const cancel of this.#later) cancel();
    this.#later.clear();
    this.#repeating = false;
    const error = new ClientClosedError(reason);
    this.#calls.fail(error);
    for (const stream of this.#streams) stream.finish(error);
    this.#streams.clear();
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
      this.#link?.send(text);
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
    for (const text of this.#calls.unanswered) this.#link?.send(text);
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

  /** On the socket that there is; without one, the next one starts with what is unanswered.
   * @param {any} envelope @param {string} actorId
   */
  #sendEnvelope(envelope, actorId) {
    this.#link?.send(toText(envelope, actorId, this.#options.messageLimit));
  }

  #checkOpen() {
    if (this.#end !== null) throw new ClientClosedError(this.#end);
  }
}
