// A WebSocket for node, which has none of its own before version 22: the client's side of RFC 6455, on node's HTTP.
// It tells why a handshake was refused, and cuts messages into frames that API Gateway takes: browsers do neither.

import { createHash, randomBytes } from "node:crypto";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

import { CLOSE, PING, PONG, TEXT, closeFrame, frame, readClose, readText, textFrames } from "./node_frames.js";
import { FrameError, FrameReader } from "./node_frames.js";

/** What the other side hashes with the key, to show that it knows the protocol (RFC 6455, section 1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3];
const BROKEN = Object.freeze({ code: 1006, reason: "" });

/** One WebSocket, as far as the client needs one. */
export class NodeSocket {
  /** Bytes of the largest message: what API Gateway takes. */
  static messageLimit = 131_072;

  readyState = CONNECTING;
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((event: {data: string | Uint8Array}) => void) | null} */
  onmessage = null;
  /** @type {((event: {code: number, reason: string}) => void) | null} */
  onclose = null;
  /** `status`: with which a handshake was refused. @type {((event: {message: string, status?: number}) => void) | null} */
  onerror = null;

  #key = randomBytes(16).toString("base64");
  #protocols;
  #request;
  /** @type {import("node:stream").Duplex | null} */
  #stream = null;
  /** None once the other side has said goodbye. @type {FrameReader | null} */
  #reader = new FrameReader();
  /** What the close frame said. @type {{code: number, reason: string}} */
  #goodbye = BROKEN;

  /**
   * @param {string} url
   * @param {readonly string[]} [protocols] what is offered; the other side may choose one
   * @throws {TypeError} no WebSocket address
   */
  constructor(url, protocols = []) {
    this.#protocols = protocols;
    const { protocol, href } = new URL(url);
    if (protocol !== "ws:" && protocol !== "wss:") throw new TypeError(`no WebSocket address: ${protocol}`);
    const request = protocol === "ws:" ? requestHttp : requestHttps;
    this.#request = request(href.replace("ws", "http"), { agent: false, headers: this.#headers() });
    this.#request.on("upgrade", (response, stream, head) => this.#upgraded(response, stream, head));
    this.#request.on("response", ({ statusCode }) => this.#refused(`HTTP ${statusCode}`, statusCode));
    this.#request.on("error", ({ message }) => this.#refused(message));
    this.#request.end();
  }

  /** Send a message in as many frames as it takes. @param {string} text */
  send(text) {
    if (this.readyState !== OPEN) return;
    for (const part of textFrames(text)) this.#stream?.write(part);
  }

  /** Say goodbye; `onclose` follows when the other side has answered. @param {number} [code] */
  close(code = 1000) {
    if (this.readyState === CONNECTING) this.#refused("closed by this client");
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSING;
    this.#stream?.write(closeFrame(code));
  }

  /** Break off. */
  terminate() {
    if (this.readyState === CONNECTING) this.#refused("closed by this client");
    this.#stream?.destroy();
  }

  #headers() {
    return {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": this.#key,
      ...(this.#protocols.length > 0 ? { "Sec-WebSocket-Protocol": this.#protocols.join(", ") } : {}),
    };
  }

  /** There is no connection. @param {string} message @param {number} [status] */
  #refused(message, status) {
    if (this.readyState !== CONNECTING) return;
    this.readyState = CLOSED;
    this.#request.destroy();
    this.onerror?.({ message, status });
    this.onclose?.(BROKEN);
  }

  /**
   * @param {import("node:http").IncomingMessage} response
   * @param {import("node:stream").Duplex} stream
   * @param {Buffer} head bytes that came right behind the handshake
   */
  #upgraded({ headers }, stream, head) {
    if (this.readyState !== CONNECTING || !this.#isRight(headers)) {
      stream.destroy();
      this.#refused("an answer that is none to this handshake");
      return;
    }
    this.#stream = stream;
    stream.on("data", (chunk) => this.#read(chunk));
    stream.on("close", () => this.#closed());
    // A close follows.
    stream.on("error", () => {});
    this.readyState = OPEN;
    this.onopen?.();
    this.#read(head);
  }

  /** Whether the other side has understood what was asked (section 4.1). @param {NodeJS.Dict<any>} headers */
  #isRight(headers) {
    const accept = createHash("sha1").update(this.#key + GUID).digest("base64");
    const chosen = headers["sec-websocket-protocol"];
    return (
      headers["sec-websocket-accept"] === accept &&
      headers.upgrade?.toLowerCase() === "websocket" &&
      headers["sec-websocket-extensions"] === undefined &&
      (chosen === undefined || this.#protocols.includes(chosen))
    );
  }

  /** @param {Uint8Array} chunk */
  #read(chunk) {
    try {
      for (const { opcode, payload } of this.#reader?.read(chunk) ?? []) {
        this.#take(opcode, payload);
        if (!this.#reader) return;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#goodbye = { ...BROKEN, reason: `the other side does not keep to the protocol: ${error.message}` };
      this.#end(error.code);
    }
  }

  /** @param {number} opcode @param {Buffer} payload */
  #take(opcode, payload) {
    if (opcode === PING && this.readyState === OPEN) this.#stream?.write(frame(PONG, payload));
    if (opcode === CLOSE) {
      this.#goodbye = readClose(payload);
      this.#end(this.#goodbye.code === 1005 ? 1000 : this.#goodbye.code);
    }
    if (opcode < CLOSE) this.onmessage?.({ data: opcode === TEXT ? readText(payload) : payload });
  }

  /** Answer a goodbye, or say one, and close what carried it. @param {number} code */
  #end(code) {
    if (this.readyState === OPEN) this.#stream?.write(closeFrame(code));
    this.readyState = CLOSING;
    this.#reader = null;
    /** @type {import("node:net").Socket} */ (this.#stream).destroySoon();
  }

  #closed() {
    this.readyState = CLOSED;
    this.onclose?.(this.#goodbye);
  }
}
