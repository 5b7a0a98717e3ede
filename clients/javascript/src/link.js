// One open socket: messages over it, and whether it still lives. Text frames only: API Gateway takes no others.

import { systemClock, timer } from "./clock.js";
import { LinkLostError } from "./errors.js";

const [OPEN, CLOSED] = [1, 3];
/** For the closing handshake, in real time: whoever closes waits for it. */
const GOODBYE_SECONDS = 1;
/** Binary frame, message too big: what was sent once more would be refused once more. */
const REFUSING_CLOSES = new Set([1003, 1009]);

/** One open socket. */
export class Link {
  #socket;
  #clock;
  /** @type {(text: string) => void} */
  #listener;
  /** @type {string[]} */
  #early = [];
  #lose = (/** @type {LinkLostError} */ _error) => {};

  /** @param {any} socket @param {import("./index.js").Clock} clock */
  constructor(socket, clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#listener = (text) => this.#early.push(text);
    /** Count of frames that came. */
    this.heard = 0;
    /** When it was opened, when the last frame came, and when the last one went either way. */
    this.openedAt = this.heardAt = this.usedAt = clock.now();
    /** Fulfilled with the reason once the socket is gone. @type {Promise<LinkLostError>} */
    this.lost = new Promise((resolve) => (this.#lose = resolve));
    socket.onmessage = (/** @type {{data: unknown}} */ event) => this.#receive(event.data);
    socket.onclose = (/** @type {{code: number, reason: string}} */ event) => this.#lose(closed(event));
    // A close follows each error; node's sockets throw where nobody listens.
    socket.onerror = () => {};
  }

  /** Hand messages on from now, and those that came before. @param {(text: string) => void} listener */
  listen(listener) {
    this.#listener = listener;
    for (const text of this.#early.splice(0)) listener(text);
  }

  /** Send a message; on a socket that is gone nothing happens, as `lost` tells it. @param {string} text */
  send(text) {
    if (this.#socket.readyState !== OPEN) return;
    this.#socket.send(text);
    this.usedAt = this.#clock.now();
  }

  /** Give up a socket that does not answer: nobody is there to say goodbye to. */
  abort() {
    this.#lose(new LinkLostError("the connection is open, but nobody answers"));
    this.#socket.onmessage = null;
    if (typeof this.#socket.terminate === "function") this.#socket.terminate();
    else this.#socket.close();
  }

  /** Say goodbye and close, whatever comes meanwhile; whoever does not answer within a second is left. */
  async close() {
    this.#lose(new LinkLostError("closed by this client"));
    this.#socket.onmessage = null;
    if (this.#socket.readyState === CLOSED) return;
    const gone = new Promise((resolve) => (this.#socket.onclose = resolve));
    this.#socket.close(1000);
    const late = timer(systemClock, GOODBYE_SECONDS);
    await Promise.race([gone, late.done]);
    late.cancel();
    // Browsers have no such thing, and close by themselves in the end.
    this.#socket.terminate?.();
  }

  /** @param {unknown} data */
  #receive(data) {
    this.heard += 1;
    this.heardAt = this.usedAt = this.#clock.now();
    if (typeof data === "string") this.#listener(data);
  }
}

/** @param {{code: number, reason: string}} event */
function closed({ code, reason }) {
  if (code === 1006) return new LinkLostError(reason || "the connection broke off");
  const text = `closed with code ${code}${reason ? `: ${reason}` : ""}`;
  return new LinkLostError(text, { refusing: REFUSING_CLOSES.has(code) });
}
