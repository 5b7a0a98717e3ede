/** A token, or what fetches a fresh one for each connection. */
export type TokenSource = string | (() => string | Promise<string>);

export type ConnectionState = "connecting" | "connected" | "reconnecting" | "closed";

/** A client's connection has changed, or one more attempt to connect has failed. */
export interface StateChange {
  readonly state: ConnectionState;
  /** Why, where there is more to say than the state does. */
  readonly reason: string | null;
  /** How many attempts in a row have failed since there was a connection. */
  readonly failures: number;
}

/** The time a client lives by; seconds throughout. */
export interface Clock {
  /** Seconds that only rise. */
  now(): number;
  /** Seconds since 1970, by which tokens expire. */
  epoch(): number;
  /** Do something later; returns what prevents it. */
  after(seconds: number, action: () => void): () => void;
}

/** Times in seconds; the defaults fit API Gateway's quotas (10 minutes of silence, 2 hours of life). */
export interface ClientOptions {
  /** For an answer to a call, drops included. Default 30. */
  callTimeout: number;
  /** For one handshake. Default 30. */
  connectTimeout: number;
  /** Pauses between attempts to connect. */
  backoff: Backoff;
  /** How often to ask again in a row when the gateway says that a function failed. Default 3. */
  gatewayRetries: number;
  /** Silence after which a frame is sent that no actor sees. Default 300. */
  keepAliveAfter: number;
  /** Waiting for an answer in silence for so long, the client asks whether the socket lives. Default 15. */
  probeAfter: number;
  /** The same with open streams only, which may well be silent. Default 240. */
  idleProbeAfter: number;
  /** How long the other side may take to show that it lives. Default 10. */
  probeTimeout: number;
  /** Age at which a second socket takes over; each socket's own is up to a tenth shorter. Default 6900. */
  lifetime: number;
  /** How long the old socket may still bring answers. Default 30. */
  handoverTimeout: number;
  /** How long before a token's expiry a second socket takes over. Default 60. */
  expiryMargin: number;
  /** How many values of a stream may wait for their reader. Default 10,000. */
  unreadValues: number;
  /** Largest message in bytes of UTF-8. Default 32,768, what API Gateway takes in one frame; 131,072 with our socket. */
  messageLimit: number;
}

/** Anything that a browser's WebSocket can do and this client needs. */
export interface WebSocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number): void;
}

/** What makes sockets; `messageLimit` is what they can send, where that is more than a browser's 32,768 bytes. */
export interface WebSocketClass {
  new (url: string, protocols?: string[]): WebSocketLike;
  readonly messageLimit?: number;
}

export interface ClientInit {
  /** Shown at each handshake; before a JWT of a function expires another socket with a fresh one takes over. */
  token?: TokenSource;
  /** Where the token goes, as browsers send no headers: `?token=` (default), or the sub-protocols `trebuche, <token>`. */
  tokenIn?: "query" | "protocol";
  /** What makes sockets, instead of the WebSocket that is there; without one, in node 20, it is the one of `./node`. */
  WebSocket?: WebSocketClass;
  options?: Partial<ClientOptions>;
  /** Is told when the connection changes, and of each attempt to connect that fails. */
  onState?: (change: StateChange) => void;
  clock?: Clock;
  /** A number from 0 up to 1; spreads what would otherwise happen to all clients at once. */
  chance?: () => number;
}

export interface CallOptions {
  /** Seconds to wait, drops and repetitions included. */
  timeout?: number;
  /** What the server knows the call by; new unless it is one that an earlier client sent. */
  callId?: string;
}

/** Which values of a stream are wanted. */
export interface StreamFilter {
  type: "all" | "predefined" | "custom";
  name?: string;
  parameters?: Record<string, string>;
}

export interface ObserveOptions {
  wanted?: StreamFilter;
  /** No more than the newest value per window of so many milliseconds; only the newest waits unread. */
  latestPerMs?: number;
}

/** One value of an observed property. */
export interface Value<T> {
  /** The whole property after a change. */
  readonly value: T;
  /** Its number on the stream; numbers rise by one unless some were skipped. */
  readonly sequence: bigint;
  /** When the server sent it, in whole seconds. */
  readonly timestamp: Date;
  /** On the first value after a drop: true if every change was replayed, false for a snapshot. Null otherwise. */
  readonly recovered: boolean | null;
  /** How many values before it were left out because only the latest was asked for. */
  readonly skipped: number;
  /** How many values before it never came although they were asked for again. */
  readonly missed: number;
}

/** A property as it changes; each loop over it is a stream of its own, which ends when the loop is left. */
export class Observation<T> implements AsyncIterable<T> {
  private constructor();
  /** Why the server ended the last stream that was read to its end, for example `actorTerminated`. */
  readonly endReason: string | null;
  /**
   * The values alone.
   * @throws StreamFailedError, SlowReaderError, ClientClosedError
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>;
  /** The values with their numbers, and what happened between them. */
  values(): AsyncIterableIterator<Value<T>>;
}

/** What every actor has besides its methods. */
export interface ActorBase {
  readonly actorId: string;
  /** Call a method by name, with options; numbers beyond 2^53 - 1 are BigInt both ways. */
  call(name: string, values?: readonly unknown[], options?: CallOptions): Promise<any>;
  /** A property as it changes: its value now, then each one after a change, in order, across drops. */
  observe<T = any>(name?: string, options?: ObserveOptions): Observation<T>;
}

/** An actor; its methods as the type says, or any. */
export type ActorProxy<Methods = Record<string, (...values: any[]) => Promise<any>>> = Methods & ActorBase;

/** One client of one endpoint. Drops are its affair: calls are repeated under their callID, streams resumed. */
export class TrebuchetClient {
  constructor(url: string, init?: ClientInit);
  /** Where the client stands now. */
  readonly state: ConnectionState;
  /** What those who watch were told last. */
  readonly connection: StateChange;
  /** Be told when the connection changes, and of each attempt to connect that fails; returns what ends it. */
  onState(watcher: (change: StateChange) => void): () => void;
  /**
   * Connect, and stay connected until `close()`; `patience` is for how many seconds to try at first (default 30), and 0
   * tries once, for as long as `connectTimeout` allows.
   * @throws EndpointError
   */
  connect(how?: { patience?: number }): Promise<void>;
  /** End every stream and every wait, and close the socket: a second at the most. Nothing is sent or received later. */
  close(): Promise<void>;
  /** An actor to call and to observe; nothing is sent. */
  resolve<Methods = Record<string, (...values: any[]) => Promise<any>>>(
    actor: string,
    key?: string,
  ): ActorProxy<Methods>;
  /**
   * Call a method with JSON documents and get one; it takes effect at most once, however often it must be sent.
   * @throws CallFailedError, CallTimeoutError, MessageTooLargeError, ClientClosedError
   */
  call(actorId: string, method: string, documents?: readonly string[], options?: CallOptions): Promise<string>;
}

/** Delays between attempts. Chance comes after the cap: clients cut together do not come back together. */
export class Backoff {
  constructor(firstSeconds?: number, longestSeconds?: number);
  readonly firstSeconds: number;
  readonly longestSeconds: number;
  /** Delays by which so many clients, cut at one moment, come back under the gateway's rate of connections. */
  static forFleet(clients: number, options?: { longestSeconds?: number }): Backoff;
  delays(chance?: () => number): Generator<number, never, void>;
}

export const systemClock: Clock;

/** A JSON document's value; integers beyond 2^53 - 1 as BigInt. */
export function parse(text: string): any;
/** A value's JSON document; BigInt as a number, dates in whole seconds, bytes as base64. */
export function stringify(value: unknown): string;

/** Root of every error that the client raises on purpose. */
export class ClientError extends Error {
  constructor(message: string);
}
/** The endpoint refuses the connection for good, or nothing ever answered there. */
export class EndpointError extends ClientError {
  constructor(message: string, details?: { status?: number | null });
  /** With which the last handshake was refused, where that is known: browsers do not tell. */
  readonly status: number | null;
}
/** The server answered a call with an error; nothing was written. */
export class CallFailedError extends ClientError {
  constructor(message: string, details?: { code?: string | null; retryable?: boolean });
  readonly code: string | null;
  readonly retryable: boolean;
}
/** No answer came in time; sent once more under its callId, the call takes effect at most once. */
export class CallTimeoutError extends ClientError {
  constructor(callId: string, seconds: number);
  readonly callId: string;
  readonly seconds: number;
}
/** The server refused a stream or broke it off for good. */
export class StreamFailedError extends ClientError {
  constructor(message: string, details?: { code?: string | null; retryable?: boolean });
  readonly code: string | null;
  readonly retryable: boolean;
}
/** More values wait than a reader may leave unread. */
export class SlowReaderError extends ClientError {}
/** A message is over what may be sent. */
export class MessageTooLargeError extends ClientError {
  constructor(size: number, limit: number);
  readonly size: number;
  readonly limit: number;
}
/** The client was closed, by `close()` or because its endpoint refused it for good. */
export class ClientClosedError extends ClientError {}
