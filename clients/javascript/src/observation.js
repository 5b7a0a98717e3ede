// What is read of a stream.

import { StreamFailedError } from "./errors.js";
import { parse } from "./json.js";

/** A property as it changes; each loop over it is a stream of its own, which ends when the loop is left. */
export class Observation {
  #open;
  #name;

  /**
   * @param {() => {stream: import("./stream.js").Stream, leave: () => void}} open opens a stream
   * @param {string} name of the property
   */
  constructor(open, name) {
    this.#open = open;
    this.#name = name;
    /** Why the server ended the last stream that was read to its end. @type {string | null} */
    this.endReason = null;
  }

  /** The values alone, until the stream ends. @returns {AsyncIterableIterator<any>} */
  [Symbol.asyncIterator]() {
    return this.#read((item) => item.value);
  }

  /** The values with their numbers, and what happened between them. @returns {AsyncIterableIterator<any>} */
  values() {
    return this.#read((item) => item);
  }

  /**
   * Not an async generator: leaving one waits for the value that it waits for, and that may never come.
   * @param {(item: any) => any} shape
   * @returns {AsyncIterableIterator<any>}
   */
  #read(shape) {
    const { stream, leave } = this.#open();
    const end = { done: /** @type {true} */ (true), value: undefined };
    const next = async () => {
      try {
        const item = await stream.next();
        if (item !== null) return { done: false, value: shape(this.#valueOf(item)) };
      } catch (error) {
        leave();
        throw error;
      }
      this.endReason = stream.endReason;
      leave();
      return end;
    };
    const leaveNow = async () => {
      leave();
      return end;
    };
    return {
      next,
      return: leaveNow,
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** @param {any} item */
  #valueOf({ data, ...rest }) {
    try {
      return { value: parse(data), ...rest };
    } catch (error) {
      throw new StreamFailedError(`${this.#name} is not JSON: ${error}`, { code: "malformed" });
    }
  }
}
