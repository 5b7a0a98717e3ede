// Realtime actors: calls that take effect once, streams that survive drops, and no thought of the gateway's clocks.
//
//   const client = new TrebuchetClient("wss://…/production");
//   await client.connect();
//   const todos = client.resolve("todos");
//   await todos.addTodo("Buy milk");
//   for await (const state of todos.observe("state")) console.log(state);

export { Backoff } from "./backoff.js";
export { TrebuchetClient } from "./client.js";
export { systemClock } from "./clock.js";
export {
  CallFailedError,
  CallTimeoutError,
  ClientClosedError,
  ClientError,
  EndpointError,
  MessageTooLargeError,
  SlowReaderError,
  StreamFailedError,
} from "./errors.js";
export { parse, stringify } from "./json.js";
export { Observation } from "./observation.js";
