// React's view of it: a provider that keeps one client connected, and a hook that shows an actor's property.

import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";

import { ClientError, EndpointError, StreamFailedError } from "./errors.js";
import { TrebuchetClient } from "./client.js";

/** @typedef {import("./react.js").Shown} Shown */

/** @type {import("react").Context<TrebuchetClient | null>} */
const Context = createContext(/** @type {TrebuchetClient | null} */ (null));

/** What was seen, and of what: of anything else it is nothing. @typedef {{of: unknown[], shown: Shown}} Seen */

/** @type {Shown} */
const UNSEEN = Object.freeze({ state: undefined, loading: true, error: null, recovered: null });
/** So many attempts to connect in a row that fail are more than a moment's trouble. */
const TROUBLE = 3;

/**
 * Keeps a client connected for everything below it.
 * @param {import("./react.js").TrebucheProps} props transport: an address, an address with what the client's
 *   constructor takes, or a client that is connected and closed elsewhere. Keep an object the same between renders.
 */
export function Trebuche({ transport, children }) {
  const [client, setClient] = useState(/** @type {TrebuchetClient | null} */ (null));
  useEffect(() => {
    if (transport instanceof TrebuchetClient) {
      setClient(transport);
      return undefined;
    }
    const { url, ...init } = typeof transport === "string" ? { url: transport } : transport;
    const made = new TrebuchetClient(url, init);
    // A page stays and tries on; the hook tells who is refused, or waits for long.
    made.connect({ patience: Number.POSITIVE_INFINITY }).catch(() => {});
    setClient(made);
    return () => {
      made.close();
    };
  }, [transport]);
  return createElement(Context.Provider, { value: client }, children);
}

/** The provider's client; null until it is made, after the first render. */
export function useTrebuche() {
  return useContext(Context);
}

/**
 * An actor's property as it changes, and its methods.
 * @param {string} actorId
 * @param {import("./react.js").ObservedActorOptions} [options]
 * @returns {import("./react.js").ObservedActor<any>}
 */
export function useObservedActor(actorId, { observe = "state", latestPerMs } = {}) {
  const client = useTrebuche();
  const { connected, trouble } = useConnection(client);
  const [seen, setSeen] = useState(/** @type {Seen} */ ({ of: [], shown: UNSEEN }));
  const what = [client, actorId, observe, latestPerMs];
  useEffect(() => {
    setSeen({ of: what, shown: UNSEEN });
    if (!client) return undefined;
    const show = (/** @type {(before: Shown) => Shown} */ next) =>
      setSeen((before) => ({ of: what, shown: next(isSame(before.of, what) ? before.shown : UNSEEN) }));
    return follow(client, { actorId, observe, latestPerMs }, show);
  }, what);
  const call = useCallback(
    async (/** @type {string} */ method, /** @type {unknown[]} */ ...values) => {
      if (!client) throw new ClientError("no client: call after the first render, below <Trebuche>");
      return client.resolve(actorId).call(method, values);
    },
    [client, actorId],
  );
  // In the render in which another actor is asked for, what was seen is still of the one before.
  const shown = isSame(seen.of, what) ? seen.shown : UNSEEN;
  return useMemo(() => {
    const error = shown.error ?? trouble;
    return { ...shown, error, loading: shown.loading && !error, connected, call };
  }, [shown, connected, trouble, call]);
}

/** @param {readonly unknown[]} one @param {readonly unknown[]} other */
function isSame(one, other) {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}

/**
 * Whether there is a connection, and what has kept it away for long.
 * @param {TrebuchetClient | null} client
 */
function useConnection(client) {
  const watch = useCallback((/** @type {() => void} */ changed) => client?.onState(changed) ?? (() => {}), [client]);
  const look = () => client?.connection ?? null;
  const connection = useSyncExternalStore(watch, look, look);
  const trouble = useMemo(() => {
    const long = connection !== null && connection.failures >= TROUBLE;
    return long ? new EndpointError(connection.reason ?? "there is no connection") : null;
  }, [connection]);
  return { connected: connection?.state === "connected", trouble };
}

/**
 * Show the values of a stream until it is left.
 * @param {TrebuchetClient} client
 * @param {{actorId: string, observe: string, latestPerMs?: number}} what
 * @param {(next: (before: Shown) => Shown) => void} show
 * @returns {() => void}
 */
function follow(client, { actorId, observe, latestPerMs }, show) {
  /** @type {AsyncIterableIterator<any> | null} */
  let values = null;
  let left = false;
  const read = async () => {
    try {
      const observation = client.resolve(actorId).observe(observe, { latestPerMs });
      values = observation.values();
      for await (const { value, recovered } of /** @type {AsyncIterable<any>} */ (values)) {
        if (left) return;
        show((before) => ({ state: value, loading: false, error: null, recovered: recovered ?? before.recovered }));
      }
      throw new StreamFailedError(`the server ended the stream: ${observation.endReason}`, { code: observation.endReason });
    } catch (error) {
      if (!left) show((before) => ({ ...before, loading: false, error: /** @type {Error} */ (error) }));
    }
  };
  read();
  return () => {
    left = true;
    values?.return?.();
  };
}
