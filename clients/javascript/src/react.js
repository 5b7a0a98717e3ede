// React's view of it: a provider that keeps one client connected, and a hook that shows an actor's property.

import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useState } from "react";

import { ClientError } from "./errors.js";
import { TrebuchetClient } from "./client.js";

/** @typedef {import("./react.js").Shown} Shown */

/** @type {import("react").Context<TrebuchetClient | null>} */
const Context = createContext(/** @type {TrebuchetClient | null} */ (null));

/** @type {Shown} */
const UNSEEN = Object.freeze({ state: undefined, loading: true, error: null, recovered: null });

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
    // A page stays and tries on; who is refused for good is told by the hook, as its streams fail.
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
  const connected = useConnected(client);
  const [shown, setShown] = useState(UNSEEN);
  useEffect(() => {
    setShown(UNSEEN);
    return client ? follow(client, { actorId, observe, latestPerMs }, setShown) : undefined;
  }, [client, actorId, observe, latestPerMs]);
  const call = useCallback(
    async (/** @type {string} */ method, /** @type {unknown[]} */ ...values) => {
      if (!client) throw new ClientError("no client: call after the first render, below <Trebuche>");
      return client.resolve(actorId).call(method, values);
    },
    [client, actorId],
  );
  return useMemo(() => ({ ...shown, connected, call }), [shown, connected, call]);
}

/** @param {TrebuchetClient | null} client */
function useConnected(client) {
  const [connected, setConnected] = useState(false);
  useEffect(() => {
    setConnected(client?.state === "connected");
    return client?.onState(({ state }) => setConnected(state === "connected"));
  }, [client]);
  return connected;
}

/**
 * Show the values of a stream until it is left.
 * @param {TrebuchetClient} client
 * @param {{actorId: string, observe: string, latestPerMs?: number}} what
 * @param {(next: (before: Shown) => Shown) => void} setShown
 * @returns {() => void}
 */
function follow(client, { actorId, observe, latestPerMs }, setShown) {
  /** @type {AsyncIterableIterator<any> | null} */
  let values = null;
  let left = false;
  const read = async () => {
    try {
      values = client.resolve(actorId).observe(observe, { latestPerMs }).values();
      for await (const { value, recovered } of /** @type {AsyncIterable<any>} */ (values)) {
        if (left) return;
        setShown((before) => ({ state: value, loading: false, error: null, recovered: recovered ?? before.recovered }));
      }
    } catch (error) {
      if (!left) setShown((before) => ({ ...before, loading: false, error: /** @type {Error} */ (error) }));
    }
  };
  read();
  return () => {
    left = true;
    values?.return?.();
  };
}
