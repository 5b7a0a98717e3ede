// Who the client says that it is, and until when.

import { parse } from "./json.js";

/**
 * The token for the next connection.
 * @param {import("./index.js").TokenSource | undefined} source
 * @returns {Promise<string | undefined>}
 */
export async function fetchToken(source) {
  return typeof source === "function" ? source() : source;
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
