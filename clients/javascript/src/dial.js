// Opening a socket, or why there is none.

import { timer } from "./clock.js";
import { EndpointError, LinkLostError } from "./errors.js";
import { Link } from "./link.js";

/** What a browser can offer besides the token, and the endpoint's authorizer sends back. */
const SUBPROTOCOL = "trebuche";
/** Handshakes that would be refused once more for the same reason. Browsers do not tell; node's sockets do. */
const FINAL_STATUSES = new Set([400, 401, 403, 404]);

/**
 * Where to connect, and by what.
 * @typedef {object} Way
 * @property {string} url
 * @property {import("./index.js").TokenSource} [token]
 * @property {"query" | "protocol"} tokenIn
 * @property {any} WebSocket null: there is none here, so it is node's before 22
 */

/**
 * Open a socket.
 * @param {Way} way
 * @param {string | undefined} token
 * @param {{clock: import("./index.js").Clock, timeout: number, unwanted: Promise<unknown>}} how unwanted: fulfilled
 *   when nobody wants the socket any more
 * @returns {Promise<Link>}
 * @throws {EndpointError} the endpoint refuses the connection for good
 * @throws {LinkLostError} nothing answers there now
 */
export async function openLink(way, token, { clock, timeout, unwanted }) {
  const WebSocket = way.WebSocket ?? (await socketOfNode());
  const socket = construct(WebSocket, way, token);
  const late = timer(clock, timeout);
  try {
    const inTime = late.done.then(() => lose(`nothing answers at ${way.url} within ${timeout} s`));
    return await Promise.race([opened(socket, way.url, clock), inTime, unwanted.then(() => lose("not wanted any more"))]);
  } catch (error) {
    socket.onopen = socket.onclose = null;
    socket.onerror = () => {};
    socket.close();
    throw error;
  } finally {
    late.cancel();
  }
}

/** Loaded only where it is needed: no browser has what it imports. */
async function socketOfNode() {
  try {
    return (await import("./node_socket.js")).NodeSocket;
  } catch (error) {
    throw new EndpointError(`there is no WebSocket here, and this is not node (${error}): pass one, as { WebSocket }`);
  }
}

/** @param {any} WebSocket @param {Way} way @param {string | undefined} token */
function construct(WebSocket, { url, tokenIn }, token) {
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

/**
 * @param {any} socket
 * @param {string} url
 * @param {import("./index.js").Clock} clock
 * @returns {Promise<Link>} made as soon as the socket is open: frames may come right behind the handshake
 */
function opened(socket, url, clock) {
  return new Promise((resolve, reject) => {
    /** @type {{message?: string, status?: number}} */
    let told = {};
    socket.onopen = () => resolve(new Link(socket, clock));
    socket.onerror = (/** @type {{message?: string, status?: number}} */ event) => (told = event);
    socket.onclose = () => reject(refused(url, told));
  });
}

/** @param {string} url @param {{message?: string, status?: number}} told */
function refused(url, { message = "", status }) {
  // The package ws tells it in words.
  const known = status ?? Number(/server response: (\d{3})/.exec(message)?.[1] ?? 0);
  if (FINAL_STATUSES.has(known)) {
    return new EndpointError(`${url} refuses the connection with HTTP ${known}`, { status: known });
  }
  if (known) return new LinkLostError(`${url} answers with HTTP ${known}`, { status: known });
  return new LinkLostError(`nothing answers at ${url}, or it refuses${message ? ` (${message})` : ""}`);
}

/** @param {string} reason @returns {never} */
function lose(reason) {
  throw new LinkLostError(reason);
}
