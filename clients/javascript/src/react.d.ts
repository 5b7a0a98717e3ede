import type { ReactElement, ReactNode } from "react";

import type { ClientInit, TrebuchetClient } from "./index.js";

export interface TrebucheProps {
  /**
   * An address, an address with what the client's constructor takes, or a client that is connected and closed
   * elsewhere. Keep an object the same between renders: another one is another connection.
   */
  transport: string | ({ url: string } & ClientInit) | TrebuchetClient;
  children?: ReactNode;
}

/** Keeps a client connected for everything below it. */
export function Trebuche(props: TrebucheProps): ReactElement;

/** The provider's client; null until it is made, after the first render. */
export function useTrebuche(): TrebuchetClient | null;

export interface ObservedActorOptions {
  /** The whole state (default), or a top-level key of it. */
  observe?: string;
  /** No more than the newest value per window of so many milliseconds. */
  latestPerMs?: number;
}

/** What was seen last. */
export interface Shown<T = any> {
  /** The property's value; undefined until the first one. Kept while the connection is away. */
  readonly state: T | undefined;
  /** Whether the first value is still to come, and nothing is known to stand in its way. */
  readonly loading: boolean;
  /** Why no more values will come; or, while the client tries on, why three attempts to connect in a row have failed. */
  readonly error: Error | null;
  /** After the last drop: true if every change was replayed, false for a snapshot; null without a drop. */
  readonly recovered: boolean | null;
}

export interface ObservedActor<T> extends Shown<T> {
  /** Whether there is a connection now. */
  readonly connected: boolean;
  /** Call a method of the actor. */
  call(method: string, ...values: unknown[]): Promise<any>;
}

/** An actor's property as it changes, and its methods. */
export function useObservedActor<T = any>(actorId: string, options?: ObservedActorOptions): ObservedActor<T>;
