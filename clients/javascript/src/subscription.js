// One watched property, as decisions only: what to send on a new socket, and what an arriving envelope means.
// No socket, no clock. Numbers rise by one on a stream; a gap without `skipped` is asked for again once.

import { invocation, newId } from "./frames.js";

/** @typedef {import("./frames.js").Envelope} Envelope */
/** @typedef {{events: any[], send: Envelope | null}} Step */

/** @type {Step} */
const NOTHING = Object.freeze({ events: [], send: null });

/** The client's half of one stream. */
export class Subscription {
  #actorId;
  #target;
  #wanted;
  #newId;
  /** @type {string | null} */
  #callId = null;
  /** @type {string | null} */
  #streamId = null;
  #last = 0n;
  #owed = 1n;
  #resuming = false;
  #anyNumber = true;
  /** @type {bigint | null} */
  #askedAt = null;

  /**
   * @param {string} actorId
   * @param {string} target the `observe…` name
   * @param {import("./index.js").StreamFilter | null} [wanted] the server leaves the other values out without a word,
   *   so gaps mean nothing then
   * @param {() => string} [makeId] makes the callIDs
   */
  constructor(actorId, target, wanted = null, makeId = newId) {
    this.#actorId = actorId;
    this.#target = target;
    this.#wanted = wanted;
    this.#newId = makeId;
  }

  /**
   * Whether the server has answered what was sent to open or resume the stream, and wholly. A function that dies after
   * `streamStart` has answered only half: a first value is owed, and on a resume all that was missed. With a filter
   * nobody here knows what is owed; then the server's own care has to do.
   */
  get acknowledged() {
    const complete = this.#last >= this.#owed || this.#wanted !== null;
    return this.#streamId !== null && !this.#resuming && complete;
  }

  /** The envelope to send first on a fresh socket. @returns {Envelope} */
  opening() {
    if (this.#streamId !== null) return this.#resume();
    this.#callId = this.#newId();
    return invocation(this.#callId, this.#actorId, this.#target, { wanted: this.#wanted });
  }

  /** The envelope that unsubscribes, when there is a stream. @returns {Envelope | null} */
  closing() {
    if (this.#streamId === null) return null;
    return { type: "streamEnd", streamID: this.#streamId, reason: "clientUnsubscribed" };
  }

  /** Whether the server opened or resumed this stream. @param {Envelope} start */
  askedFor(start) {
    return start.streamID === this.#streamId || (this.#streamId === null && start.callID === this.#callId);
  }

  /** What an envelope means; those of other streams and calls mean nothing. @param {Envelope} envelope @returns {Step} */
  receive(envelope) {
    if (envelope.type === "streamStart") return this.#started(envelope);
    if (envelope.type === "response") return this.#refused(envelope);
    if (envelope.streamID !== this.#streamId) return NOTHING;
    switch (envelope.type) {
      case "streamData":
        return this.#data(envelope);
      case "streamEnd":
        return tell({ kind: "ended", reason: envelope.reason });
      case "streamError":
        return tell(failure(envelope));
      default:
        return NOTHING;
    }
  }

  /** @returns {Envelope} */
  #resume() {
    this.#resuming = true;
    this.#askedAt = this.#last;
    return {
      type: "streamResume",
      streamID: this.#streamId,
      lastSequence: this.#last,
      actorID: { id: this.#actorId },
      targetIdentifier: this.#target,
    };
  }

  /** @param {Envelope} envelope */
  #refused(envelope) {
    const ours = envelope.callID === this.#callId && envelope.errorMessage !== null;
    return ours ? tell(failure(envelope)) : NOTHING;
  }

  /** @param {Envelope} envelope */
  #started(envelope) {
    if (this.#streamId === null && envelope.callID === this.#callId) {
      this.#streamId = envelope.streamID;
      return NOTHING;
    }
    if (envelope.streamID !== this.#streamId || !this.#resuming) return NOTHING;
    this.#resuming = false;
    this.#owed = envelope.upTo !== null && envelope.upTo > 1n ? envelope.upTo : 1n;
    this.#anyNumber = envelope.recovered !== true;
    return tell({ kind: "recovered", how: envelope.recovered });
  }

  /** @param {Envelope} envelope */
  #data({ sequenceNumber, skipped, data, timestamp }) {
    if (sequenceNumber <= this.#last) return NOTHING;
    const gap = sequenceNumber - this.#last - 1n - skipped;
    const odd = gap > 0n && !this.#anyNumber && this.#wanted === null;
    if (odd && this.#resuming) return NOTHING;
    if (odd && this.#askedAt !== this.#last) return { events: [], send: this.#resume() };
    this.#last = sequenceNumber;
    this.#anyNumber = false;
    const missed = odd ? Number(gap) : 0;
    return tell({ kind: "update", sequence: sequenceNumber, timestamp, data, missed, skipped: Number(skipped) });
  }
}

/** @param {any} event @returns {Step} */
function tell(event) {
  return { events: [event], send: null };
}

/** @param {Envelope} envelope */
function failure({ errorMessage, code, retryable }) {
  return { kind: "failed", message: errorMessage, code, retryable };
}
