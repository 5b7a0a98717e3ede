// One actor as one user's card uses it: its values are shown, its refusals said in words.

import { CallTimeoutError, ClientError } from "../javascript/src/index.js";
import { find, tell } from "./dom.js";

/** What a card needs to know. @typedef {object} Surroundings
 * @property {string} user
 * @property {import("../javascript/src/index.js").TrebuchetClient} client
 * @property {import("./changes.js").Changes} changes
 * @property {(call: Promise<any>) => Promise<any>} waiting counts calls under way
 */

/** An actor, and the card that shows it. */
export class SharedActor {
  #around;
  #proxy;
  #error;
  #sequence;

  /** @param {HTMLElement} card @param {string} actorId @param {Surroundings} around */
  constructor(card, actorId, around) {
    this.actorId = actorId;
    this.#around = around;
    this.#proxy = around.client.resolve(actorId);
    this.#error = find(card, ".error");
    this.#sequence = find(card, ".sequence");
  }

  /** The number of the last value. @type {bigint} */
  last = 0n;

  /**
   * Show every value, until there will be no more; then say why.
   * @param {(state: any) => void} show
   */
  async follow(show) {
    const states = this.#proxy.observe("state");
    try {
      for await (const { value, sequence } of states.values()) {
        this.last = sequence;
        this.#sequence.textContent = `number ${sequence}`;
        show(value);
        this.#around.changes.value(this.#around.user, this.actorId, value);
      }
      tell(this.#error, `The server ended the stream: ${states.endReason}. Reload the page to watch again.`);
    } catch (error) {
      tell(this.#error, `${this.actorId} cannot be watched: ${inWords(error)}`);
    }
  }

  /**
   * Call a method and time it.
   * @param {string} text what is done
   * @param {string} method
   * @param {unknown[]} values
   * @param {(result: any) => (state: any) => boolean} seen by the result, what tells a state that has the change
   * @returns {Promise<boolean>} whether it was done
   */
  async act(text, method, values, seen) {
    const { user, changes, waiting } = this.#around;
    tell(this.#error, "");
    const call = () => waiting(this.#proxy.call(method, values));
    try {
      await changes.time(user, text, { actorId: this.actorId, call, seen });
      return true;
    } catch (error) {
      tell(this.#error, `Not done: ${inWords(error)}`);
      return false;
    }
  }
}

/** @param {unknown} error */
export function inWords(error) {
  if (error instanceof CallTimeoutError) return `no answer within ${error.seconds} s; it may still take effect.`;
  if (error instanceof ClientError || error instanceof TypeError) return error.message;
  throw error;
}
