// Sockets whose frames can be looked at, and the line that they go over, which can be cut.

/** @typedef {{at: Date, sent: boolean, text: string}} Frame */

/**
 * A class of WebSockets that show every frame.
 * @param {(frame: Frame) => void} show
 * @returns {typeof WebSocket}
 */
export function shownSockets(show) {
  return class extends WebSocket {
    /** @param {string | URL} url @param {string | string[]} [protocols] */
    constructor(url, protocols = []) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => show({ at: new Date(), sent: false, text: String(data) }));
    }

    /** @param {any} text */
    send(text) {
      super.send(text);
      show({ at: new Date(), sent: true, text });
    }
  };
}

/** One user's way to the endpoint, passed on by the page's server. */
export class Line {
  #name;

  /** @param {string} lines address of all lines @param {string} user */
  constructor(lines, user) {
    this.#name = `${user}-${crypto.randomUUID()}`;
    this.url = `${lines}${this.#name}`;
  }

  /** The HTTP status with which the endpoint refused the last handshake; null where it did not refuse. */
  async refusal() {
    const { status } = await (await fetch(`/lines/${this.#name}`)).json();
    return status === 101 ? null : status;
  }

  /**
   * Cut the TCP connections in the middle of whatever they carry, or let new ones through.
   * @param {boolean} open
   */
  async switch(open) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`/lines/${this.#name}`, { method: "PUT", headers, body: JSON.stringify({ open }) });
    if (!answer.ok) throw new Error(`the console's server answers with HTTP ${answer.status}`);
  }
}
