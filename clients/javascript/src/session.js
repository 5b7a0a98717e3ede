// Always one live socket: reconnecting after a drop, handing over before an end that is known beforehand.

import { timer } from "./clock.js";
import { openLink } from "./dial.js";
import { EndpointError, LinkLostError } from "./errors.js";
import { expiry, fetchToken } from "./token.js";
import { watch } from "./watch.js";

/** By how much lifetimes differ, so that sockets opened together are not replaced together. */
const SPREAD = 0.1;
const REFUSED = new Set([401, 403]);

/** @typedef {import("./link.js").Link} Link */
/** @typedef {{link: Link, leaveAt: number}} Opened */

/**
 * Who uses the sockets.
 * @typedef {object} Listener
 * @property {() => boolean} asking whether an answer should come
 * @property {() => boolean} watching whether a value may come
 * @property {(link: Link) => void} opened from now on this is the socket to send on
 * @property {(text: string) => void} received a message came; also from the previous socket while it hands over
 * @property {() => void} tick some seconds have passed
 * @property {(error: LinkLostError, failures: number) => void} lost there is no socket now; so many attempts to open
 *   another one have failed since there was one
 */

/** Keeps a client connected. */
export class Session {
  #way;
  #options;
  #clock;
  #chance;
  #closed = false;
  #close = () => {};
  /** @type {Promise<"closed">} */
  #closing;
  /** What sockets that hand over still need. @type {Set<() => void>} */
  #draining = new Set();
  /** Goodbyes that are under way. @type {Set<Promise<void>>} */
  #leaving = new Set();

  /**
   * @param {import("./dial.js").Way} way
   * @param {import("./index.js").ClientOptions} options
   * @param {{clock: import("./index.js").Clock, chance: () => number}} world
   */
  constructor(way, options, { clock, chance }) {
    this.#way = way;
    this.#options = options;
    this.#clock = clock;
    this.#chance = chance;
    this.#closing = new Promise((resolve) => (this.#close = () => resolve("closed")));
  }

  /**
   * Connect, and stay connected until closed; over when every socket is closed.
   * @param {Listener} listener
   * @throws {EndpointError} the endpoint refuses for good
   */
  async run(listener) {
    let delays = this.#options.backoff.delays(this.#chance);
    let failures = 0;
    try {
      while (!this.#closed) {
        const opened = await this.#openOr((error) => listener.lost(error, (failures += 1)));
        if (opened) {
          failures = 0;
          const lived = await this.#live(listener, opened);
          if (lived > this.#options.backoff.longestSeconds) delays = this.#options.backoff.delays(this.#chance);
        }
        await this.#sleep(delays.next().value);
      }
    } finally {
      for (const end of this.#draining) end();
      await Promise.all(this.#leaving);
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
      return await this.#open(this.#closing);
    } catch (error) {
      if (this.#closed) return null;
      if (!(error instanceof LinkLostError)) throw error;
      tell(error);
      return null;
    }
  }

  /**
   * A fresh socket and when to leave it. A refused token is fetched once more before it counts as refused.
   * @param {Promise<unknown>} unwanted fulfilled when nobody wants it any more
   */
  async #open(unwanted) {
    try {
      return await this.#dial(unwanted);
    } catch (error) {
      const again = error instanceof EndpointError && REFUSED.has(error.status ?? 0);
      if (!again || typeof this.#way.token !== "function") throw error;
      return this.#dial(unwanted);
    }
  }

  /** @param {Promise<unknown>} unwanted @returns {Promise<Opened>} */
  async #dial(unwanted) {
    const how = { clock: this.#clock, timeout: this.#options.connectTimeout, unwanted };
    const token = await fetchToken(this.#way.token, how);
    const link = await openLink(this.#way, token, how);
    if (this.#closed) {
      this.#leave(link);
      throw new LinkLostError("closed by this client");
    }
    return { link, leaveAt: this.#leaveAt(link, token) };
  }

  /** @param {Link} link @param {string | undefined} token */
  #leaveAt({ openedAt }, token) {
    const leaveAt = openedAt + this.#options.lifetime * (1 - SPREAD * this.#chance());
    const end = expiry(token);
    // A fixed token will be no fresher on the next socket.
    if (end === null || typeof this.#way.token !== "function") return leaveAt;
    const left = Math.max(end - this.#clock.epoch(), 0);
    // Half of what a token has left, where that is shorter than the margin: else each socket were left at once.
    return Math.min(leaveAt, openedAt + Math.max(left - this.#options.expiryMargin, left / 2));
  }

  /**
   * Serve a socket, and those that take over from it, until one is lost; for how long that one lived.
   * @param {Listener} listener
   * @param {Opened} opened
   */
  async #live(listener, { link, leaveAt }) {
    for (;;) {
      const unwatch = watch(listener, link, this.#options, this.#clock);
      let successor = null;
      try {
        listener.opened(link);
        link.listen((text) => listener.received(text));
        successor = await this.#untilSuccessor(link, leaveAt);
      } finally {
        if (successor) {
          this.#drain(link, unwatch);
        } else {
          unwatch();
          this.#leave(link);
        }
      }
      if (!successor) {
        if (!this.#closed) listener.lost(await link.lost, 0);
        return this.#clock.now() - link.openedAt;
      }
      ({ link, leaveAt } = successor);
    }
  }

  /**
   * A socket to take over, once it is time; null when the old one was lost before, or the client closed.
   * @param {Link} link
   * @param {number} leaveAt
   */
  async #untilSuccessor(link, leaveAt) {
    const over = Promise.race([link.lost, this.#closing]).then(() => true);
    for (;;) {
      const time = timer(this.#clock, Math.max(leaveAt - this.#clock.now(), 0));
      const isOver = await Promise.race([over, time.done]);
      time.cancel();
      if (isOver) return null;
      try {
        return await this.#open(over);
      } catch (error) {
        if (!(error instanceof LinkLostError || error instanceof EndpointError)) throw error;
      }
      // As long as the old socket lives, it serves: who is refused now may have a better token the next time.
      leaveAt = this.#clock.now() + this.#chance() * this.#options.backoff.longestSeconds;
    }
  }

  /**
   * Let the old socket bring what is under way, then close it.
   * @param {Link} link
   * @param {() => void} unwatch
   */
  #drain(link, unwatch) {
    const end = () => {
      if (!this.#draining.delete(end)) return;
      cancel();
      unwatch();
      this.#leave(link);
    };
    const cancel = this.#clock.after(this.#options.handoverTimeout, end);
    this.#draining.add(end);
    link.lost.then(end);
  }

  /** @param {Link} link */
  #leave(link) {
    const leaving = link.close();
    this.#leaving.add(leaving);
    leaving.then(() => this.#leaving.delete(leaving));
  }

  /** @param {number} seconds */
  async #sleep(seconds) {
    const wait = timer(this.#clock, seconds);
    await Promise.race([wait.done, this.#closing]);
    wait.cancel();
  }
}
