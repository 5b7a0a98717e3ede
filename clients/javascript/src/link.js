// One socket: opening it, frames over it, and whether it still lives. Text frames only: API Gateway takes no others.

import { timer } from "./clock.js";
import { EndpointError, LinkLostError } from "./errors.js";

const OPEN = 1;
/** What a browser can offer besides the token, and the endpoint's authorizer sends back. */
export const SUBPROTOCOL = "trebuche";
/** Binary frame, message too big: what was sent once more would be refused once more. */
const REFUSING_CLOSES = new Set([1003, 1009]);
/** Handshakes that would be refused once more for the same reason. Browsers do not tell; some of node's sockets do. */
const FINAL_STATUSES = new Set([400, 401, 403, 404]);

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
    this.#silence();
    this.#lose(new LinkLostError("the connection is open, but nobody answers"));
    if (typeof this.#socket.terminate === "function") this.#socket.terminate();
    else this.#socket.close();
  }

  /** Close the socket; nothing that comes afterwards is heard. */
  close() {
    this.#silence();
    this.#lose(new LinkLostError("closed by this client"));
    this.#socket.close(1000);
  }

  #silence() {
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
  }

  /** @param {unknown} data */
  #receive(data) {
    this.heard += 1;
    this.heardAt = this.usedAt = this.#clock.now();
    if (typeof data === "string") this.#listener(data);
  }
}

/**
 * Open a socket.
 * @param {string} url
 * @param {string | undefined} token
 * @param {{WebSocket: any, tokenIn: "query" | "protocol", clock: import("./index.js").Clock, timeout: number,
 *   closing: Promise<unknown>}} how closing: nobody wants the socket any more
 * @returns {Promise<Link>}
 * @throws {EndpointError} the endpoint refuses the connection for good
 * @throws {LinkLostError} nothing answers there now
 */
export async function openLink(url, token, { WebSocket, tokenIn, clock, timeout, closing }) {
  const socket = construct(WebSocket, url, token, tokenIn);
  const late = timer(clock, timeout);
  try {
    const inTime = late.done.then(() => lose(`nothing answers at ${url} within ${timeout} s`));
    await Promise.race([opened(socket, url), inTime, closing.then(() => lose("closed by this client"))]);
  } catch (error) {
    socket.onopen = socket.onclose = null;
    socket.onerror = () => {};
    socket.close();
    throw error;
  } finally {
    late.cancel();
  }
  return new Link(socket, clock);
}

/** @param {any} WebSocket @param {string} url @param {string | undefined} token @param {string} tokenIn */
function construct(WebSocket, url, token, tokenIn) {
  try {
    if (!token) return new WebSocket(url);
    if (tokenIn === "protocol") return new WebSocket(url, [SUBPROTOCOL, token]);
    const address = new URL(url);
    address.searchParams.set("token", token);
    return new WebSocket(address.href);
  } catch (error) {
    // The text of the error would name the address with the token in it.
    throw new EndpointError(`${url} is no WebSocket address (wss://…), or the token cannot be sent as a ${tokenIn}`);
  }
}

/** @param {any} socket @param {string} url @returns {Promise<void>} */
function opened(socket, url) {
  return new Promise((resolve, reject) => {
    let status = 0;
    socket.onopen = () => resolve();
    socket.onerror = (/** @type {{message?: string}} */ event) => {
      status = Number(/server response: (\d{3})/.exec(event.message ?? "")?.[1] ?? 0);
    };
    socket.onclose = () => reject(refused(url, status));
  });
}

/** @param {string} url @param {number} status */
function refused(url, status) {
  if (FINAL_STATUSES.has(status)) {
    return new EndpointError(`${url} refuses the connection with HTTP ${status}`, { status });
  }
  return new LinkLostError(status ? `${url} answers with HTTP ${status}` : `nothing answers at ${url}, or it refuses`);
}

/** @param {string} reason @returns {never} */
function lose(reason) {
  throw new LinkLostError(reason);
}

/** @param {{code: number, reason: string}} event */
function closed({ code, reason }) {
  const text = code === 1006 ? "the connection broke off" : `closed with code ${code}${reason ? `: ${reason}` : ""}`;
  return new LinkLostError(text, { refusing: REFUSING_CLOSES.has(code) });
}
