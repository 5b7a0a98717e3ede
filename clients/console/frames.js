// The newest frames of one user: which way they went, what they are, and all that is in them.

import { parse } from "../javascript/src/index.js";
import { element, find } from "./dom.js";

const SHOWN = 60;
const ENCODED = new Set(["data", "result"]);

/** The list of frames in a user's section. */
export class Frames {
  #list;
  #tally;
  #count = 0;

  /** @param {HTMLElement} section */
  constructor(section) {
    this.#list = find(section, ".frames ol");
    this.#tally = find(section, ".frames .tally");
  }

  /** @param {import("./sockets.js").Frame} frame */
  add({ at, sent, text }) {
    this.#count += 1;
    this.#tally.textContent = String(this.#count);
    const { type, detail, document } = summary(text);
    const size = new TextEncoder().encode(text).length;
    const head = element(
      "summary",
      {},
      element("span", { className: sent ? "way sent" : "way came", textContent: sent ? "sent" : "came" }),
      element("span", { className: "type", textContent: type }),
      element("span", { className: "detail", textContent: detail }),
      element("span", { className: "size", textContent: `${size} B` }),
      element("time", { textContent: clock(at), dateTime: at.toISOString() }),
    );
    const frame = element("details", {}, head);
    // Written out when somebody looks: most frames nobody does.
    frame.addEventListener("toggle", () => frame.append(element("pre", { textContent: document() })), { once: true });
    this.#list.prepend(element("li", {}, frame));
    if (this.#list.childElementCount > SHOWN) this.#list.lastElementChild.remove();
  }
}

/**
 * @param {string} text
 * @returns {{type: string, detail: string, document: () => string}}
 */
function summary(text) {
  let frame;
  try {
    frame = parse(text);
  } catch {
    return { type: "no JSON", detail: "", document: () => text };
  }
  const { type = frame.action ?? "answer", payload = {} } = frame;
  return { type, detail: detail(type, payload, frame), document: () => readable(frame) };
}

/** @param {string} type @param {any} payload @param {any} frame */
function detail(type, payload, frame) {
  switch (type) {
    case "invocation":
      return `${payload.targetIdentifier} on ${payload.actorID.id}`;
    case "response":
      return payload.errorMessage ?? "";
    case "streamStart":
      return `${payload.actorID.id}${payload.recovered === undefined ? "" : ` recovered: ${payload.recovered}`}`;
    case "streamData":
      return `number ${payload.sequenceNumber}${payload.skipped ? `, ${payload.skipped} skipped` : ""}`;
    case "streamResume":
      return `${payload.actorID.id} after number ${payload.lastSequence}`;
    case "streamEnd":
      return payload.reason;
    case "streamError":
      return payload.errorMessage;
    default:
      return frame.message ?? "";
  }
}

/** The frame with the documents that it carries in base64 written out. @param {any} frame */
function readable(frame) {
  const show = (/** @type {string} */ name, /** @type {any} */ value) => {
    if (typeof value === "bigint") return String(value);
    if (name === "arguments") return value.map(decoded);
    return ENCODED.has(name) && typeof value === "string" ? decoded(value) : value;
  };
  return JSON.stringify(frame, show, 2);
}

/** @param {string} base64 */
function decoded(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const text = new TextDecoder().decode(bytes);
  return text === "" ? "" : JSON.parse(text);
}

/** @param {Date} at */
function clock(at) {
  return `${at.toLocaleTimeString([], { hour12: false })}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
