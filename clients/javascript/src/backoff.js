// When to try again: doubling ceilings, a cap, and the whole of each delay left to chance.

/**
 * First attempts a second. API Gateway takes 500 connections by default (its quota page), and while it lets nobody in,
 * second and third attempts fall among the first ones: more than half as many again.
 */
const CONNECTS_PER_SECOND = 270;
/** How far a fleet's ceiling rises at least: so far that those who are kept out leave room for each other. */
const RISE = 4;

/** Delays between attempts. Chance comes after the cap: clients cut together do not come back together. */
export class Backoff {
  /**
   * @param {number} [firstSeconds] ceiling of the first delay
   * @param {number} [longestSeconds] ceiling that doubling ends at
   */
  constructor(firstSeconds = 2.5, longestSeconds = 30) {
    this.firstSeconds = firstSeconds;
    this.longestSeconds = longestSeconds;
  }

  /**
   * Delays by which so many clients, cut at one moment, come back under the gateway's rate of connections,
   * also while the endpoint is away and all of them try again and again.
   * @param {number} clients
   * @param {{longestSeconds?: number}} [options]
   */
  static forFleet(clients, { longestSeconds = 30 } = {}) {
    const first = clients / CONNECTS_PER_SECOND;
    return new Backoff(first, Math.max(RISE * first, longestSeconds));
  }

  /**
   * Seconds to wait before each attempt in turn, for ever.
   * @param {() => number} [chance] a number from 0 up to 1
   * @returns {Generator<number, never, void>}
   */
  *delays(chance = Math.random) {
    let ceiling = this.firstSeconds;
    for (;;) {
      yield chance() * ceiling;
      ceiling = Math.min(2 * ceiling, this.longestSeconds);
    }
  }
}
