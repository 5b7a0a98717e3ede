// A server that writes bytes as a test tells it to, and reads a client's frames: none of the client's code.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

import { Queue } from "./support.js";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The end of one connection; `request` has the handshake's first line, and its headers in lower case. */
export class Scripted {
  #socket;
  #bytes = Buffer.alloc(0);
  #frames = new Queue();
  #head = new Queue();
  #shaken = false;

  constructor(socket) {
    this.#socket = socket.on("error", () => {});
    this.closed = once(socket, "close");
    socket.on("data", (chunk) => this.#take(chunk));
  }

  /** The next frame of the client: `{opcode, final, masked, mask, payload}`, the mask in hexadecimal digits. */
  frame() {
    return this.#frames.take("a frame of the client");
  }

  async request() {
    const [line, ...lines] = (await this.#head.take("a handshake")).split("\r\n");
    const headers = lines.filter(Boolean).map((text) => text.split(/: (.*)/s));
    return { line, headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])) };
  }

  /** Answer a handshake as it should be, except for what is given. */
  async accept({ extra = "", status = "101 Switching Protocols", accept, behind = Buffer.alloc(0) } = {}) {
    const { headers } = await this.request();
    const right = createHash("sha1").update(headers["sec-websocket-key"] + GUID).digest("base64");
    const lines = [`HTTP/1.1 ${status}`, "Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept ?? right}`];
    this.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n${extra}\r\n`), behind]));
    return headers;
  }

  write(bytes) {
    this.#socket.write(bytes);
  }

  end() {
    this.#socket.end();
  }

  #take(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#shaken) {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#shaken = true;
      this.#head.put(this.#bytes.subarray(0, end).toString());
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    for (let frame = this.#next(); frame; frame = this.#next()) this.#frames.put(frame);
  }

  #next() {
    const bytes = this.#bytes;
    if (bytes.length < 2) return null;
    const short = bytes[1] & 0x7f;
    const start = { 126: 4, 127: 10 }[short] ?? 2;
    if (bytes.length < start + 4) return null;
    const length = start === 2 ? short : start === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + 4 + length) return null;
    const [mask, masked] = [bytes.subarray(start, start + 4), bytes.subarray(start + 4, start + 4 + length)];
    this.#bytes = bytes.subarray(start + 4 + length);
    const payload = Buffer.from(masked.map((byte, index) => byte ^ mask[index % 4]));
    return { opcode: bytes[0] & 0x0f, final: bytes[0] > 0x7f, masked: bytes[1] > 0x7f, mask: mask.toString("hex"), payload };
  }
}

/** A frame as a server sends it. `first`: its whole first byte. */
export function bytesOf(first, payload) {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(bytes.length < 126 ? 2 : bytes.length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = { 2: bytes.length, 4: 126, 10: 127 }[head.length];
  if (head.length === 4) head.writeUInt16BE(bytes.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(bytes.length), 2);
  return Buffer.concat([head, bytes]);
}

/** Such a server on loopback; ends with the test. */
export async function scripted(t) {
  const server = createServer();
  const peers = new Queue();
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    peers.put(new Scripted(socket));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `ws://127.0.0.1:${server.address().port}/stage?a=b`, next: () => peers.take("a connection") };
}
