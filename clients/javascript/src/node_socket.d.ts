import type { WebSocketLike } from "./index.js";

/**
 * A WebSocket for node, used by itself where node has none (before 22). Of those that node has from then on it differs
 * in that refusals tell their status, and that messages up to 128 KB go through API Gateway.
 */
export class NodeSocket implements WebSocketLike {
  /** Bytes of the largest message. */
  static readonly messageLimit: number;
  /** @throws TypeError: no WebSocket address */
  constructor(url: string, protocols?: readonly string[]);
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: string | Uint8Array }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  /** `status`: with which a handshake was refused. */
  onerror: ((event: { message: string; status?: number }) => void) | null;
  send(text: string): void;
  close(code?: number): void;
  /** Break off. */
  terminate(): void;
}
