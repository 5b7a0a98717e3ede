// Whether a socket on which nothing comes still lives.

import { PING } from "./frames.js";

/** How often silence is looked at before it counts. */
const LOOKS = 3;

/**
 * Watch over silence. A browser can send no ping of the protocol, so the one that the gateway's route answers does.
 * @param {import("./session.js").Listener} listener
 * @param {import("./link.js").Link} link
 * @param {import("./index.js").ClientOptions} options
 * @param {import("./index.js").Clock} clock
 * @returns {() => void} what ends it
 */
export function watch(listener, link, options, clock) {
  const { probeAfter, keepAliveAfter, probeTimeout } = options;
  const pause = Math.min(probeAfter, keepAliveAfter) / LOOKS;
  let cancel = () => {};
  const judge = (/** @type {number} */ heard) => (link.heard === heard ? link.abort() : look());
  const look = () => {
    if (isDoubtful(listener, clock.now() - link.heardAt, options)) {
      link.send(PING);
      const { heard } = link;
      cancel = clock.after(probeTimeout, () => judge(heard));
      return;
    }
    if (clock.now() - link.usedAt > keepAliveAfter) link.send(PING);
    listener.tick();
    cancel = clock.after(pause, look);
  };
  cancel = clock.after(pause, look);
  return () => cancel();
}

/**
 * @param {import("./session.js").Listener} listener
 * @param {number} silence
 * @param {import("./index.js").ClientOptions} options
 */
function isDoubtful(listener, silence, { probeAfter, idleProbeAfter }) {
  return (listener.asking() && silence > probeAfter) || (listener.watching() && silence > idleProbeAfter);
}
