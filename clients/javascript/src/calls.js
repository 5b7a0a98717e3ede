// Calls that wait for an answer, by callID.

/** What was asked and not yet answered. A call stays until its caller stops waiting, whatever sockets do. */
export class Calls {
  /** @type {Map<string, {text: string, resolve: (answer: any) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();

  /** Whether an answer should come. */
  get any() {
    return this.#waiting.size > 0;
  }

  /** The frames to send again, under the same callIDs. */
  get unanswered() {
    return [...this.#waiting.values()].map(({ text }) => text);
  }

  /**
   * Wait for the answer to a call; known before the call is sent, so that no answer comes too early.
   * @param {string} callId
   * @param {string} text
   * @returns {Promise<any>}
   */
  expect(callId, text) {
    return new Promise((resolve, reject) => this.#waiting.set(callId, { text, resolve, reject }));
  }

  /** Wait no longer. @param {string} callId */
  forget(callId) {
    this.#waiting.delete(callId);
  }

  /** Hand an answer to its caller; one that nobody waits for any more is dropped. @param {any} response */
  answer(response) {
    this.#waiting.get(response.callID)?.resolve(response);
    this.#waiting.delete(response.callID);
  }

  /** Let everybody who waits know that no answer will come. @param {Error} error */
  fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
