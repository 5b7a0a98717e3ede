// The time a client lives by, so that a test can turn it.

/** The longest delay that setTimeout keeps; it takes longer ones for none at all. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock = Object.freeze({
  /** Seconds that only rise. */
  now: () => performance.now() / 1000,
  /** Seconds since 1970, by which tokens expire. */
  epoch: () => Date.now() / 1000,
  /**
   * Do something later.
   * @param {number} seconds
   * @param {() => void} action
   * @returns {() => void} what prevents it
   */
  after: (seconds, action) => {
    const timer = setTimeout(action, Math.min(seconds * 1000, LONGEST_MS));
    return () => clearTimeout(timer);
  },
});

/**
 * A wait that can be broken off.
 * @param {import("./index.js").Clock} clock
 * @param {number} seconds
 * @returns {{done: Promise<void>, cancel: () => void}} `done` stays open after `cancel`
 */
export function timer(clock, seconds) {
  let cancel = () => {};
  /** @type {Promise<void>} */
  const done = new Promise((resolve) => {
    cancel = clock.after(seconds, resolve);
  });
  return { done, cancel };
}
