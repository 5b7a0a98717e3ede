// What can go wrong, as one tree under ClientError.

/** Root of every error that the client raises on purpose. */
export class ClientError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}

/** The endpoint refuses the connection for good, or nothing ever answered there. */
export class EndpointError extends ClientError {
  /** @param {string} message @param {{status?: number | null}} [details] */
  constructor(message, { status = null } = {}) {
    super(message);
    this.status = status;
  }
}

/** The server answered a call with an error; nothing was written. */
export class CallFailedError extends ClientError {
  /** @param {string} message @param {{code?: string | null, retryable?: boolean}} [details] */
  constructor(message, { code = null, retryable = false } = {}) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

/** No answer came in time; whether the call took effect is not known. */
export class CallTimeoutError extends ClientError {
  /** @param {string} callId @param {number} seconds */
  constructor(callId, seconds) {
    super(`no answer within ${seconds} s; the call may still take effect (callID ${callId})`);
    this.callId = callId;
    this.seconds = seconds;
  }
}

/** The server refused a stream or broke it off for good. */
export class StreamFailedError extends ClientError {
  /** @param {string} message @param {{code?: string | null, retryable?: boolean}} [details] */
  constructor(message, { code = null, retryable = false } = {}) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

/** More values wait than a reader may leave unread; observe with `latestPerMs` to get only the newest. */
export class SlowReaderError extends ClientError {}

/** A message is over what API Gateway takes. */
export class MessageTooLargeError extends ClientError {
  /** @param {number} size @param {number} limit */
  constructor(size, limit) {
    super(`the message has ${size} bytes; ${limit} may be sent at the most (option messageLimit)`);
    this.size = size;
    this.limit = limit;
  }
}

/** The client was closed, by `close()` or because its endpoint refused it for good. */
export class ClientClosedError extends ClientError {}

/** A socket closed although nobody asked for it, or could not be opened; another one may help. Stays inside. */
export class LinkLostError extends Error {
  /**
   * @param {string} reason
   * @param {{refusing?: boolean, status?: number | null}} [details] refusing: because of what was sent; status: with
   *   which a handshake was refused for now
   */
  constructor(reason, { refusing = false, status = null } = {}) {
    super(reason);
    this.refusing = refusing;
    this.status = status;
  }
}
