// One stream between the socket and its reader: what came and was not read yet.

import { SlowReaderError, StreamFailedError } from "./errors.js";

/** A subscription and its unread values. */
export class Stream {
  #subscription;
  #options;
  #latest;
  #chance;
  /** @type {any[]} */
  #values = [];
  /** How the server picked the stream up, until a value tells it. @type {{how: boolean | null} | null} */
  #recovery = null;
  /** @type {{error: Error | null} | null} */
  #over = null;
  /** Readers that wait. @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {string} actorId
   * @param {import("./subscription.js").Subscription} subscription
   * @param {import("./index.js").ClientOptions} options
   * @param {{latest: boolean, chance: () => number}} details latest: keep only the newest unread value
   */
  constructor(actorId, subscription, options, { latest, chance }) {
    this.actorId = actorId;
    this.#subscription = subscription;
    this.#options = options;
    this.#latest = latest;
    this.#chance = chance;
    /** When it was last asked for. @type {number | null} */
    this.askedAt = null;
    /** Why the server ended it. @type {string | null} */
    this.endReason = null;
    /** Seconds to wait before each new attempt after a failure that may pass. */
    this.pauses = options.backoff.delays(chance);
  }

  /** Whether nothing more will come. */
  get over() {
    return this.#over !== null;
  }

  /** Whether the server has answered what was last asked. */
  get acknowledged() {
    return this.#subscription.acknowledged;
  }

  /** Whether a stream that the server opened is this one. @param {import("./frames.js").Envelope} start */
  askedFor(start) {
    return this.#subscription.askedFor(start);
  }

  /** What opens it on a fresh socket, or resumes it there. @param {number} now */
  opening(now) {
    this.askedAt = now;
    return this.#subscription.opening();
  }

  /** What tells the server that nobody reads any more. */
  closing() {
    return this.#subscription.closing();
  }

  /** Take what an envelope means; the step says what to answer. @param {import("./frames.js").Envelope} envelope */
  receive(envelope) {
    const step = this.#subscription.receive(envelope);
    for (const event of step.events) this.#take(event);
    return step;
  }

  /** End it for its reader: with an error, or as if the server had ended it. @param {Error | null} error */
  finish(error) {
    this.#over ??= { error };
    this.#wake();
  }

  /**
   * The next value; null at the end.
   * @returns {Promise<any>}
   * @throws {ClientError} the server refused the stream or broke it off, values came faster than they were read, or
   *   the client was closed
   */
  async next() {
    while (this.#values.length === 0) {
      if (this.#over?.error) throw this.#over.error;
      if (this.#over) return null;
      await /** @type {Promise<void>} */ (new Promise((resolve) => this.#waiting.push(resolve)));
    }
    return this.#values.shift();
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** @param {any} event */
  #take(event) {
    if (event.kind === "update") {
      this.pauses = this.#options.backoff.delays(this.#chance);
      this.#put(event);
    } else if (event.kind === "recovered") {
      this.#recovery = event;
    } else if (event.kind === "ended") {
      this.endReason = event.reason;
      this.finish(null);
    } else if (!event.retryable) {
      this.finish(new StreamFailedError(event.message, { code: event.code }));
    }
  }

  /** @param {any} update */
  #put({ kind, ...update }) {
    // As in Python: true only for a replay; a server that says nothing is taken for one that sends a snapshot.
    let recovered = this.#recovery && this.#recovery.how === true;
    this.#recovery = null;
    const dropped = this.#latest ? this.#values.pop() : null;
    if (dropped) {
      update.skipped += dropped.skipped + 1;
      recovered ??= dropped.recovered;
    }
    if (this.#values.length >= this.#options.unreadValues) {
      const text = `${this.#options.unreadValues} values wait unread; observe with latestPerMs, or read faster`;
      this.finish(new SlowReaderError(text));
      return;
    }
    this.#values.push({ ...update, recovered });
    this.#wake();
  }
}
