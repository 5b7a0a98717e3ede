// The client as a program of its own that does what it is told: tests/support/client_process.py speaks to it.

import { createInterface } from "node:readline";

import { Backoff, ClientError, TrebuchetClient } from "../src/index.js";
import { NodeSocket } from "../src/node_socket.js";

/** Real time plus what it was turned by. */
class TurnedClock {
  #offset = 0;
  #waiting = new Set();

  now = () => performance.now() / 1000 + this.#offset;
  epoch = () => Date.now() / 1000 + this.#offset;

  after = (seconds, action) => {
    const wait = { due: this.now() + seconds, action, timer: null };
    this.#waiting.add(wait);
    this.#arm(wait);
    return () => this.#forget(wait);
  };

  turn(seconds) {
    this.#offset += seconds;
    for (const wait of [...this.#waiting].sort((one, other) => one.due - other.due)) this.#arm(wait);
  }

  #arm(wait) {
    clearTimeout(wait.timer);
    const act = () => {
      this.#forget(wait);
      wait.action();
    };
    wait.timer = setTimeout(act, Math.max(wait.due - this.now(), 0) * 1000);
  }

  #forget(wait) {
    clearTimeout(wait.timer);
    this.#waiting.delete(wait);
  }
}

const clock = new TurnedClock();
const clients = new Map();

function tell(document) {
  console.log(JSON.stringify(document, (_, value) => (typeof value === "bigint" ? Number(value) : value)));
}

async function read(observation, stream) {
  try {
    for await (const { sequence, recovered, value } of observation.values()) {
      tell({ event: "value", stream, sequence, recovered, value });
    }
  } catch (error) {
    tell({ event: "ended", stream, error: error.name, message: error.message });
  }
}

const commands = {
  async connect({ client, url, options }) {
    const { backoff, ...others } = options;
    const chosen = Object.entries(others).map(([name, value]) => [camel(name), value]);
    if (backoff) chosen.push(["backoff", new Backoff(...backoff)]);
    const onState = ({ state, failures }) => failures || tell({ event: "state", client, state });
    const made = new TrebuchetClient(url, { WebSocket: NodeSocket, clock, onState, options: Object.fromEntries(chosen) });
    clients.set(client, made);
    await made.connect({ patience: 120 });
  },
  async observe({ client, stream, actor }) {
    read(clients.get(client).resolve(actor).observe("state"), stream);
  },
  async call({ client, actor, method, arguments: values, timeout }) {
    return clients.get(client).resolve(actor).call(method, values, { timeout });
  },
  async turn({ seconds }) {
    clock.turn(seconds);
  },
  async delays({ clients: count, attempts, told }) {
    const backoff = told ? Backoff.forFleet(count) : new Backoff();
    const fleet = Array.from({ length: count }, (_, seed) => backoff.delays(chanceOf(seed + 1)));
    return fleet.map((delays) => Array.from({ length: attempts }, () => delays.next().value));
  },
};

/** Numbers from 0 up to 1, by a seed (mulberry32). */
function chanceOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function camel(name) {
  return name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: name, ...how } = JSON.parse(line);
  commands[name](how).then(
    (result) => tell({ id, result: result ?? null }),
    (error) => {
      if (!(error instanceof ClientError)) throw error;
      tell({ id, error: error.name, message: error.message });
    },
  );
}
for (const client of clients.values()) await client.close();
