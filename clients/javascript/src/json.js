// JSON without loss: integers that a double cannot hold are BigInt, everything else is as JSON.parse has it.

/** Strings, and numbers outside of them; a number before a colon would be a key, which JSON does not allow. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*(?!\s*:)/g;
const WHOLE = /^-?(?:0|[1-9]\d*)$/;
/** Fewer digits are safe in a double: the usual document needs no second look. */
const LONG = /\d{16}/;

/**
 * The value of a JSON document.
 * @param {string} text
 * @returns {any} integers beyond 2^53 - 1 as BigInt
 * @throws {SyntaxError} not JSON
 */
export function parse(text) {
  if (!LONG.test(text)) return JSON.parse(text);
  // Nobody who wrote the document can know the mark, so no string of it can be taken for a number.
  const mark = newMark();
  const marked = text.replace(TOKENS, (token) => (isLarge(token) ? `"${mark}${token}"` : token));
  return JSON.parse(marked, (_, value) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}

/**
 * The JSON document of a value: BigInt as a number, dates as the wire wants them, bytes as base64.
 * @param {unknown} value
 * @returns {string}
 * @throws {TypeError} the value has no JSON form
 */
export function stringify(value) {
  const mark = newMark();
  /** @type {boolean} */
  let large = false;
  const text = JSON.stringify(value, function (key, plain) {
    if (typeof plain === "bigint") {
      large = true;
      return `${mark}${plain}`;
    }
    return withoutLoss(/** @type {Record<string, unknown>} */ (this)[key], plain);
  });
  if (text === undefined) throw new TypeError(`${typeof value} has no JSON form`);
  return large ? text.replace(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1") : text;
}

/** @param {unknown} original @param {unknown} plain */
function withoutLoss(original, plain) {
  if (typeof plain === "number" && !Number.isFinite(plain)) throw new TypeError(`${plain} has no JSON form`);
  // The wire has whole seconds: a reader of older Swift drops the message otherwise.
  if (original instanceof Date) return original.toISOString().replace(/\.\d+Z$/, "Z");
  return original instanceof Uint8Array ? toBase64(original) : plain;
}

/** @param {string} token */
function isLarge(token) {
  return WHOLE.test(token) && !Number.isSafeInteger(Number(token));
}

function newMark() {
  return `#${crypto.randomUUID()}#`;
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/**
 * @param {string} text
 * @throws {Error} not base64 as RFC 4648 has it, padding included
 */
export function fromBase64(text) {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Error("no base64");
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
