// Envelopes as the text that goes over a socket, and what comes back that is no envelope.

import { MessageTooLargeError } from "./errors.js";
import { fromBase64, parse, stringify, toBase64 } from "./json.js";

/** A frame that API Gateway answers by itself: it keeps a silent connection open and reaches no function. */
export const PING = '{"action":"ping"}';

const PROTOCOL_VERSION = 2;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$/;
const LARGEST = 2n ** 64n - 1n;
const REASONS = new Set(["completed", "actorTerminated", "clientUnsubscribed", "connectionClosed", "error"]);

const encoder = new TextEncoder();
// Bytes that are no UTF-8 are no JSON either: they must not become question marks unseen.
const decoder = new TextDecoder("utf-8", { fatal: true });

/** @typedef {{type: string, [key: string]: any}} Envelope */

/** A new id, in upper case as Swift writes it. */
export function newId() {
  return crypto.randomUUID().toUpperCase();
}

/**
 * @param {string} callId
 * @param {string} actorId
 * @param {string} target
 * @param {{documents?: string[], wanted?: import("./index.js").StreamFilter | null}} [details]
 * @returns {Envelope}
 */
export function invocation(callId, actorId, target, { documents = [], wanted = null } = {}) {
  return {
    type: "invocation",
    callID: callId,
    actorID: { id: actorId },
    targetIdentifier: target,
    protocolVersion: PROTOCOL_VERSION,
    genericSubstitutions: [],
    arguments: documents.map((document) => toBase64(encoder.encode(document))),
    ...(wanted ? { streamFilter: wanted } : {}),
  };
}

/**
 * The frame of an envelope; `action` lets the gateway go straight to the actor's function.
 * @param {Envelope} envelope
 * @param {string} actorId
 * @param {number} limit
 * @throws {MessageTooLargeError} the gateway would close the connection because of it
 */
export function toText(envelope, actorId, limit) {
  const { type, ...payload } = envelope;
  const text = stringify({ action: actorId.split("/", 1)[0], type, payload });
  const size = encoder.encode(text).length;
  if (size > limit) throw new MessageTooLargeError(size, limit);
  return text;
}

/**
 * What a frame says: an envelope that a server may send, `gatewayError`, or null for one that is none of ours.
 * @param {string} text
 * @returns {Envelope | null}
 */
export function fromText(text) {
  try {
    const document = parse(text);
    const read = Object.hasOwn(READERS, document?.type) ? READERS[document.type] : null;
    if (read) return { type: document.type, ...read(document.payload) };
    const { message, requestId } = document;
    const told = typeof message === "string" && typeof requestId === "string";
    return told ? { type: "gatewayError", message, requestId } : null;
  } catch {
    return null;
  }
}

/** @type {Record<string, (payload: any) => Record<string, any>>} */
const READERS = {
  response: (payload) => ({
    callID: uuid(payload.callID),
    result: optional(payload.result, data),
    errorMessage: optional(payload.errorMessage, string),
    code: optional(payload.code, string),
    retryable: optional(payload.retryable, bool) ?? false,
  }),
  streamStart: (payload) => ({
    streamID: uuid(payload.streamID),
    callID: uuid(payload.callID),
    actorID: { id: string(payload.actorID.id) },
    targetIdentifier: string(payload.targetIdentifier),
    recovered: optional(payload.recovered, bool),
    upTo: optional(payload.upTo, uint64),
  }),
  streamData: (payload) => ({
    streamID: uuid(payload.streamID),
    sequenceNumber: uint64(payload.sequenceNumber),
    data: data(payload.data),
    timestamp: date(payload.timestamp),
    skipped: optional(payload.skipped, uint64) ?? 0n,
  }),
  streamEnd: (payload) => ({ streamID: uuid(payload.streamID), reason: check(payload.reason, REASONS.has(payload.reason)) }),
  streamError: (payload) => ({
    streamID: uuid(payload.streamID),
    errorMessage: string(payload.errorMessage),
    code: optional(payload.code, string),
    retryable: optional(payload.retryable, bool) ?? false,
  }),
};

/** @template T @param {T} value @param {boolean} right */
function check(value, right) {
  if (!right) throw new TypeError("not in the wire format");
  return value;
}

/** @param {any} value @param {(value: any) => any} read */
function optional(value, read) {
  return value === undefined || value === null ? null : read(value);
}

/** @param {any} value */
function string(value) {
  return check(value, typeof value === "string");
}

/** @param {any} value */
function bool(value) {
  return check(value, typeof value === "boolean");
}

/** Upper case, so that ids compare as they are. @param {any} value */
function uuid(value) {
  return check(value, typeof value === "string" && UUID.test(value)).toUpperCase();
}

/** @param {any} value */
function uint64(value) {
  check(value, typeof value === "bigint" || Number.isSafeInteger(value));
  const number = BigInt(value);
  return check(number, number >= 0n && number <= LARGEST);
}

/** The JSON document in a Data field. @param {any} value */
function data(value) {
  return decoder.decode(fromBase64(string(value)));
}

/** @param {any} value */
function date(value) {
  const time = new Date(check(value, typeof value === "string" && DATE.test(value)));
  return check(time, !Number.isNaN(time.getTime()));
}
