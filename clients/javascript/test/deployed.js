// Against an endpoint that is deployed: `node test/deployed.js ws://… todos/some-id`. Prints what it saw as JSON.

import { TrebuchetClient } from "../src/index.js";
import { NodeSocket } from "../src/node_socket.js";

const PONGS = 3;
/** In base64 and with its envelope more than three frames of what the gateway takes. */
const LARGE = "x".repeat(80_000);
let sockets = 0;
let pongs = 0;
let answered = () => {};
/** Fulfilled when the gateway has answered some pings: a socket that it left silent would have been replaced. */
const alive = new Promise((resolve) => (answered = resolve));

class Watched extends NodeSocket {
  constructor(...how) {
    super(...how);
    sockets += 1;
    let listener = null;
    Object.defineProperty(this, "onmessage", {
      get: () => (event) => {
        if (JSON.parse(event.data).type === "pong" && (pongs += 1) === PONGS) answered();
        listener?.(event);
      },
      set: (given) => (listener = given),
    });
  }
}

const [url, actorId] = process.argv.slice(2);
const options = { probeAfter: 1, idleProbeAfter: 1 };
const client = new TrebuchetClient(url, { WebSocket: Watched, options });
await client.connect();
const todos = client.resolve(actorId);
const values = todos.observe("state").values();
const seen = [];

/** The next value, in short. */
async function next() {
  const { value, sequence, recovered } = (await values.next()).value;
  seen.push({ titles: value.todos.map(({ title }) => title), sequence: Number(sequence), recovered });
}

await next();
const todo = await todos.addTodo("Käse & Brot");
await next();
await alive;
const refused = await todos.toggleTodo("nothing").catch((error) => error.message);
const large = await todos.toggleTodo(LARGE).catch((error) => error.message);
const nothing = await todos.removeTodo(todo.id);
await next();
await values.return();
await client.close();
console.log(JSON.stringify({ seen, sockets, title: todo.title, refused, large: large.startsWith("Todo 'xxx"), nothing: nothing === undefined }));
