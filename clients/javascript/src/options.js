// What of a client's behaviour can be chosen. Times in seconds; the defaults fit API Gateway's quotas.

import { Backoff } from "./backoff.js";

/** Largest message, for sockets that cut it into frames of 32 KB, as API Gateway wants them. */
export const MESSAGE_OF_GATEWAY = 131_072;

/** 10 minutes of silence, 2 hours of life, frames of 32 KB: a browser cannot say how it cuts a message into frames. */
const DEFAULTS = Object.freeze({
  callTimeout: 30,
  connectTimeout: 30,
  backoff: new Backoff(),
  gatewayRetries: 3,
  keepAliveAfter: 300,
  probeAfter: 15,
  // A stream may be silent for hours and a probe costs two messages: only one that is due is asked after at once.
  idleProbeAfter: 240,
  probeTimeout: 10,
  lifetime: 6_900,
  handoverTimeout: 30,
  expiryMargin: 60,
  unreadValues: 10_000,
  messageLimit: 32_768,
});

/**
 * @param {Partial<import("./index.js").ClientOptions>} [chosen]
 * @param {number} [messageLimit] what the sockets can do, where that is more than a browser's
 * @returns {import("./index.js").ClientOptions}
 * @throws {TypeError} there is no such option
 */
export function withDefaults(chosen = {}, messageLimit = DEFAULTS.messageLimit) {
  for (const name of Object.keys(chosen)) {
    if (!(name in DEFAULTS)) throw new TypeError(`no option ${name}; there are: ${Object.keys(DEFAULTS).join(", ")}`);
  }
  return { ...DEFAULTS, messageLimit, ...chosen };
}
