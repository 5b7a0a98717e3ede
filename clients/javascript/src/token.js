// Who the client says that it is, and until when.

import { timer } from "./clock.js";
import { LinkLostError } from "./errors.js";
import { parse } from "./json.js";

/**
 * The token for the next connection.
 * @param {import("./index.js").TokenSource | undefined} source
 * @param {{clock: import("./index.js").Clock, timeout: number, unwanted: Promise<unknown>}} how unwanted: fulfilled
 *   when nobody wants it any more
 * @returns {Promise<string | undefined>}
 * @throws {LinkLostError} the function threw, or took too long: what is away now may be there later
 */
export async function fetchToken(source, { clock, timeout, unwanted }) {
  if (typeof source !== "function") return source;
  const late = timer(clock, timeout);
  try {
    const inTime = late.done.then(() => fail(`none within ${timeout} s`));
    return await Promise.race([source(), inTime, unwanted.then(() => fail("not wanted any more"))]);
  } catch (error) {
    throw new LinkLostError(`no token: ${error instanceof Error ? error.message : error}`);
  } finally {
    late.cancel();
  }
}

/** @param {string} why @returns {never} */
function fail(why) {
  throw new Error(why);
}

/**
 * When a JWT says that it ends, in seconds since 1970; null for any other token. The signature is not looked at:
 * to trust the token is the server's affair, here it only says when to leave.
 * @param {string | undefined} token
 * @returns {number | null}
 */
export function expiry(token) {
  const parts = (token ?? "").split(".");
  if (parts.length !== 3) return null;
  try {
    const claims = parse(atob(parts[1].replaceAll("-", "+").replaceAll("_", "/")));
    return typeof claims?.exp === "number" ? claims.exp : null;
  } catch {
    return null;
  }
}
