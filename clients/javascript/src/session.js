// Always one live socket: reconnecting after a drop, handing over before an end that is known beforehand.

import { timer } from "./clock.js";
import { EndpointError, LinkLostError } from "./errors.js";
import { PING } from "./frames.js";
import { openLink } from "./link.js";
import { expiry, fetchToken } from "./token.js";

/** How often silence is looked at before it counts. */
const LOOKS = 3;
/** By how much lifetimes differ, so that sockets opened together are not replaced together. */
const SPREAD = 0.1;
const REFUSED = new Set([401, 403]);

/**
 * Who uses the sockets.
 * @typedef {object} Listener
 * @property {() => boolean} asking whether an answer should come
 * @property {() => boolean} watching whether a value may come
 * @property {(link: import("./link.js").Link) => void} opened from now on this is the socket to send on
 * @property {(text: string) => void} received a message came; also from the previous socket while it hands over
 * @property {() => void} tick some seconds have passed
 * @property {(error: LinkLostError) => void} lost there is no socket now; another one is being opened
 */

/** Keeps a client connected. */
export class Session {
  #how;
  #options;
  #clock;
  #chance;
  #closed = false;
  #close = () => {};
  /** @type {Promise<"closed">} */
  #closing;
  /** What sockets that hand over still need. @type {Set<() => void>} */
  #draining = new Set();

  /**
   * @param {{url: string, token?: import("./index.js").TokenSource, tokenIn: "query" | "protocol", WebSocket: any}} how
   * @param {import("./index.js").ClientOptions} options
   * @param {{clock: import("./index.js").Clock, chance: () => number}} world
   */
  constructor(how, options, { clock, chance }) {
    this.#how = how;
    this.#options = options;
    this.#clock = clock;
    this.#chance = chance;
    this.#closing = new Promise((resolve) => (this.#close = () => resolve("closed")));
  }

  /**
   * Connect, and stay connected until closed.
   * @param {Listener} listener
   * @throws {EndpointError} the endpoint refuses for good
   */
  async run(listener) {
    let delays = this.#options.backoff.delays(this.#chance);
    try {
      while (!this.#closed) {
        const opened = await this.#openOr((error) => listener.lost(error));
        if (opened) {
          const { openedAt } = await this.#live(listener, opened);
          const lived = this.#clock.now() - openedAt;
          if (lived > this.#options.backoff.longestSeconds) delays = this.#options.backoff.delays(this.#chance);
        }
        await this.#sleep(delays.next().value);
      }
    } finally {
      for (const end of this.#draining) end();
    }
  }

  /** Leave for good. */
  close() {
    this.#closed = true;
    this.#close();
  }

  /**
   * A socket, or null after telling why there is none.
   * @param {(error: LinkLostError) => void} tell
   */
  async #openOr(tell) {
    try {
      const opened = await this.#open();
      if (!this.#closed) return opened;
      opened.link.close();
    } catch (error) {
      if (this.#closed) return null;
      if (!(error instanceof LinkLostError)) throw error;
      tell(error);
    }
    return null;
  }

  /** A fresh socket and when to leave it. A refused token is fetched once more before it counts as refused. */
  async #open() {
    try {
      return await this.#dial();
    } catch (error) {
      const again = error instanceof EndpointError && REFUSED.has(error.status ?? 0);
      if (!again || typeof this.#how.token !== "function") throw error;
      return this.#dial();
    }
  }

  async #dial() {
    const token = await this.#fetchToken();
    const { url, WebSocket, tokenIn } = this.#how;
    const how = { WebSocket, tokenIn, clock: this.#clock, timeout: this.#options.connectTimeout, closing: this.#closing };
    const link = await openLink(url, token, how);
    let leaveAt = link.openedAt + this.#options.lifetime * (1 - SPREAD * this.#chance());
    const end = expiry(token);
    if (end !== null && typeof this.#how.token === "function") {
      const left = Math.max(end - this.#clock.epoch(), 0);
      // Half of what a token has left, where that is shorter than the margin: else each socket were left at once.
      leaveAt = Math.min(leaveAt, link.openedAt + Math.max(left - this.#options.expiryMargin, left / 2));
    }
    return { link, leaveAt };
  }

  /** A token service that is away is like an endpoint that is away: asked again later. */
  async #fetchToken() {
    try {
      return await fetchToken(this.#how.token);
    } catch (error) {
      throw new LinkLostError(`no token: ${error instanceof Error ? error.message : error}`);
    }
  }

  /**
   * Serve a socket, and those that take over from it, until one is lost; returns that one.
   * @param {Listener} listener
   * @param {{link: import("./link.js").Link, leaveAt: number}} opened
   */
  async #live(listener, { link, leaveAt }) {
    for (;;) {
      const unwatch = this.#watch(listener, link);
      let successor = null;
      try {
        link.listen((text) => listener.received(text));
        listener.opened(link);
        successor = await this.#untilSuccessor(link, leaveAt);
      } finally {
        if (successor) {
          this.#drain(link, unwatch);
        } else {
          unwatch();
          link.close();
        }
      }
      if (!successor) {
        if (!this.#closed) listener.lost(await link.lost);
        return link;
      }
      ({ link, leaveAt } = successor);
    }
  }

  /**
   * A socket to take over, once it is time; null when the old one was lost before, or the client closed.
   * @param {import("./link.js").Link} link
   * @param {number} leaveAt
   */
  async #untilSuccessor(link, leaveAt) {
    for (;;) {
      const time = timer(this.#clock, Math.max(leaveAt - this.#clock.now(), 0));
      const first = await Promise.race([link.lost.then(() => "lost"), time.done.then(() => "time"), this.#closing]);
      time.cancel();
      if (first !== "time") return null;
      const opened = await this.#openOr(() => {});
      if (opened || this.#closed) return opened;
      leaveAt = this.#clock.now() + this.#chance() * this.#options.backoff.longestSeconds;
    }
  }

  /**
   * Let the old socket bring what is under way, then close it.
   * @param {import("./link.js").Link} link
   * @param {() => void} unwatch
   */
  #drain(link, unwatch) {
    const end = () => {
      cancel();
      unwatch();
      link.close();
      this.#draining.delete(end);
    };
    const cancel = this.#clock.after(this.#options.handoverTimeout, end);
    this.#draining.add(end);
    link.lost.then(end);
  }

  /**
   * Watch over silence. A browser can send no ping of the protocol, so the one that the gateway's route answers does.
   * @param {Listener} listener
   * @param {import("./link.js").Link} link
   * @returns {() => void} what ends it
   */
  #watch(listener, link) {
    const { probeAfter, keepAliveAfter, probeTimeout } = this.#options;
    const pause = Math.min(probeAfter, keepAliveAfter) / LOOKS;
    let cancel = () => {};
    const judge = (/** @type {number} */ heard) => (link.heard === heard ? link.abort() : look());
    const look = () => {
      if (this.#isDoubtful(listener, link)) {
        link.send(PING);
        const { heard } = link;
        cancel = this.#clock.after(probeTimeout, () => judge(heard));
        return;
      }
      if (this.#clock.now() - link.usedAt > keepAliveAfter) link.send(PING);
      listener.tick();
      cancel = this.#clock.after(pause, look);
    };
    cancel = this.#clock.after(pause, look);
    return () => cancel();
  }

  /** @param {Listener} listener @param {import("./link.js").Link} link */
  #isDoubtful(listener, link) {
    const silence = this.#clock.now() - link.heardAt;
    return (
      (listener.asking() && silence > this.#options.probeAfter) ||
      (listener.watching() && silence > this.#options.idleProbeAfter)
    );
  }

  /** @param {number} seconds */
  async #sleep(seconds) {
    const wait = timer(this.#clock, seconds);
    await Promise.race([wait.done, this.#closing]);
    wait.cancel();
  }
}
