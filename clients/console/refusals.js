// What an endpoint refuses, in words.

/**
 * Why a handshake was refused, and what helps.
 * @param {number} status of the endpoint's answer
 * @param {boolean} hasToken whether the page showed a token
 */
export function refusedInWords(status, hasToken) {
  const http = `(HTTP ${status})`;
  if (status === 401 || status === 403) {
    return hasToken
      ? `The endpoint refuses this token ${http}: it is over, used, taken back, or for another endpoint. Put a fresh one into the field at the top of the page.`
      : `The endpoint asks for a token ${http}. Put one into the field at the top of the page; \`trebuche keys add NAME --stack sandbox\` makes one.`;
  }
  if (status === 429) return `The endpoint takes no more connections for now ${http}. The client tries again by itself.`;
  return `The endpoint cannot let anybody in ${http}. The client tries again by itself.`;
}

/**
 * What a frame refuses that the client asks for again by itself; null for every other frame.
 * @param {{type: string, payload: any}} frame
 */
export function repeatedInWords({ type, payload }) {
  if (type !== "response" && type !== "streamError") return null;
  if (payload.code === "limited") return `${payload.errorMessage}. The client waits and asks again by itself.`;
  if (payload.code === "expired") return `${payload.errorMessage}. The client connects again by itself.`;
  return null;
}
