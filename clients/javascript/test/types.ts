// What TypeScript says to users of the declarations; checked by `npm run check`, never run.

import { Backoff, CallFailedError, TrebuchetClient, type Value } from "../src/index.js";
import { NodeSocket } from "../src/node_socket.js";
import { useObservedActor } from "../src/react.js";

interface Todo {
  id: string;
  title: string;
  completed: boolean;
}

interface Todos {
  addTodo(title: string): Promise<Todo>;
}

export async function typed(): Promise<Value<{ todos: Todo[] }> | undefined> {
  const options = { callTimeout: 5, backoff: Backoff.forFleet(10_000) };
  const client = new TrebuchetClient("wss://example.test/production", { token: async () => "fresh", options });
  await client.connect();
  const todos = client.resolve<Todos>("todos");
  const todo: Todo = await todos.addTodo("Milk");
  // @ts-expect-error: there is no such method in the type that was given
  await todos.paintTodo(todo.id);
  // @ts-expect-error: of another type
  await todos.addTodo(7);
  for await (const value of todos.observe<{ todos: Todo[] }>("state", { latestPerMs: 250 }).values()) {
    const sequence: bigint = value.sequence;
    return sequence > 0n ? value : undefined;
  }
  return undefined;
}

export async function untyped(): Promise<string | null> {
  void new TrebuchetClient("wss://example.test/production", { WebSocket: NodeSocket });
  // @ts-expect-error: no such option
  const client = new TrebuchetClient("wss://example.test/production", { options: { patience: 3 } });
  try {
    return await client.resolve("counter").add(1n);
  } catch (error) {
    return error instanceof CallFailedError ? error.code : null;
  }
}

export function Hook(): string {
  const { state, loading, call } = useObservedActor<{ todos: Todo[] }>("todos", { observe: "state" });
  void call("addTodo", "Milk");
  return loading ? "…" : (state?.todos.map((todo) => todo.title).join() ?? "");
}
