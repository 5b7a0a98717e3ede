// Frames of WebSockets as a client writes and reads them (RFC 6455, section 5). Bytes only, no socket.

import { randomBytes } from "node:crypto";

const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;
const KNOWN = new Set([CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG]);

/** What API Gateway takes in a frame is 32 KB (its quota page). */
const FRAME_BYTES = 32_000;
/** Twice what API Gateway sends: a peer that announces more is none. */
const LARGEST_MESSAGE = 2 * 131_072;
/** Codes that may travel in a close frame (section 7.4). */
const CLOSE_CODE = /^(100[0-37-9]|101[0-4]|[34]\d{3})$/;

/** What the other side sent is not in the protocol; `code` says so when the connection is closed. */
export class FrameError extends Error {
  /** @param {number} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * One frame, masked as a client has to (section 5.3).
 * @param {number} opcode
 * @param {Uint8Array} payload no more than 65,535 bytes
 * @param {boolean} [final]
 */
export function frame(opcode, payload, final = true) {
  const short = payload.length < 126;
  const head = Buffer.alloc(short ? 6 : 8);
  head[0] = (final ? 0x80 : 0) | opcode;
  head[1] = 0x80 | (short ? payload.length : 126);
  if (!short) head.writeUInt16BE(payload.length, 2);
  const mask = randomBytes(4);
  mask.copy(head, head.length - 4);
  return Buffer.concat([head, payload.map((byte, index) => byte ^ mask[index % 4])]);
}

/** A text message in frames that the gateway takes, none of which ends within a character. @param {string} text */
export function* textFrames(text) {
  const bytes = new TextEncoder().encode(text);
  let start = 0;
  do {
    let end = Math.min(start + FRAME_BYTES, bytes.length);
    while (end < bytes.length && (bytes[end] & 0xc0) === 0x80) end -= 1;
    yield frame(start === 0 ? TEXT : CONTINUATION, bytes.subarray(start, end), end === bytes.length);
    start = end;
  } while (start < bytes.length);
}

/** A close frame. @param {number} code */
export function closeFrame(code) {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame(CLOSE, payload);
}

/**
 * What a close frame says; 1005 stands for no code.
 * @param {Buffer} payload
 * @throws {FrameError}
 */
export function readClose(payload) {
  if (payload.length === 0) return { code: 1005, reason: "" };
  const code = payload.length > 1 ? payload.readUInt16BE() : 0;
  if (!CLOSE_CODE.test(String(code))) throw new FrameError(1002, `no code of a close frame: ${code}`);
  return { code, reason: readText(payload.subarray(2)) };
}

/** @param {Uint8Array} payload @throws {FrameError} */
export function readText(payload) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    throw new FrameError(1007, "a text is not UTF-8");
  }
}

/** @typedef {{opcode: number, payload: Buffer, final: boolean}} Frame */

/** Makes messages, and control frames between their parts, of the bytes that come. */
export class FrameReader {
  #bytes = Buffer.alloc(0);
  /** The parts of a message whose end is still to come. @type {Frame[]} */
  #parts = [];

  /**
   * @param {Uint8Array} chunk
   * @returns {Generator<Frame, void, void>} what is complete with it
   * @throws {FrameError} not in the protocol, or too much
   */
  *read(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (let next = this.#next(); next; next = this.#next()) {
      const whole = next.opcode >= CLOSE ? next : this.#join(next);
      if (whole) yield whole;
    }
  }

  /** The next frame, if all of it is there. @returns {Frame | null} */
  #next() {
    const bytes = this.#bytes;
    if (bytes.length < 2) return null;
    const [opcode, final] = [bytes[0] & 0x0f, bytes[0] >= 0x80];
    check((bytes[0] & 0x70) === 0 && KNOWN.has(opcode), "an extension that nobody asked for");
    check(bytes[1] < 0x80, "a server masks nothing");
    check(opcode < CLOSE || (final && bytes[1] < 126), "a control frame in parts, or too long");
    const head = { 126: 4, 127: 10 }[bytes[1]] ?? 2;
    if (bytes.length < head) return null;
    const length = head === 2 ? bytes[1] : head === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    const before = this.#parts.reduce((sum, { payload }) => sum + payload.length, 0);
    if (before + length > LARGEST_MESSAGE) throw new FrameError(1009, `a message of ${before + length} bytes`);
    if (bytes.length < head + length) return null;
    this.#bytes = bytes.subarray(head + length);
    return { opcode, final, payload: bytes.subarray(head, head + length) };
  }

  /** The message that is complete with a part. @param {Frame} part @returns {Frame | null} */
  #join(part) {
    check((part.opcode === CONTINUATION) === this.#parts.length > 0, "a part of no message, or within another one");
    this.#parts.push(part);
    if (!part.final) return null;
    const parts = this.#parts.splice(0);
    return { opcode: parts[0].opcode, final: true, payload: Buffer.concat(parts.map(({ payload }) => payload)) };
  }
}

/** @param {boolean} right @param {string} message */
function check(right, message) {
  if (!right) throw new FrameError(1002, message);
}
