import pg from "pg";
import type { PostgresClient } from "@alluvium/destinations/postgres";

/** What a process does at a statement: it dies before it is sent, right after, or when the answer is there. */
export type Death = "before" | "sent" | "answered";

/** When a process dies, or what else happens. */
export interface FaultPlan {
  /** Number of the statement, from 0. */
  readonly stopAt?: number;
  readonly death?: Death;
  /** Only its connections break; it may open others. */
  readonly goesOn?: boolean;
  /** Called before each statement, which waits for it. */
  readonly at?: (index: number, text: string) => Promise<void> | undefined;
  /** Statements that are answered without the server, as rows of texts. */
  readonly answer?: (text: string, values: readonly unknown[]) => object | undefined;
}

/** A process as the server sees it: its connections, which end together when it dies. */
export interface FaultyProcess {
  readonly connect: () => Promise<PostgresClient>;
  /** Statements so far. */
  readonly statements: readonly string[];
  readonly stopped: boolean;
}

/** Thrown by everything that a dead process still tries. */
export class DeadError extends Error {
  override readonly name = "DeadError";
}

interface Statement {
  readonly text?: string;
  readonly values?: readonly unknown[];
  readonly submit?: unknown;
  handleReadyForQuery?(): void;
  handleError?(error: Error): void;
}

/** A process whose statements are counted, and that dies at one of them. */
export function faultyProcess(url: string, plan: FaultPlan = {}): FaultyProcess {
  const statements: string[] = [];
  const clients = new Set<pg.Client>();
  let stopped = false;
  let broke = false;

  const socketOf = (client: pg.Client): { destroy(): void } =>
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
  const die = (): DeadError => {
    broke = true;
    stopped = plan.goesOn !== true;
    for (const client of clients) socketOf(client).destroy();
    clients.clear();
    return new DeadError("the process died on purpose");
  };

  function query(client: pg.Client, statement: Statement): unknown {
    const index = statements.length;
    const text = statement.text ?? "copy";
    statements.push(text);
    const isLast = !broke && index === plan.stopAt;
    if (stopped) throw new DeadError("the process is dead");
    if (statement.submit !== undefined) {
      if (isLast && plan.death === "before") {
        const error = die();
        queueMicrotask(() => statement.handleError?.(error));
        return statement;
      }
      if (isLast && plan.death === "answered") {
        statement.handleReadyForQuery = () => statement.handleError?.(die());
      }
      const sent = client.query(statement as never);
      if (isLast && plan.death === "sent") die();
      return sent;
    }
    return (async () => {
      await plan.at?.(index, text);
      if (stopped) throw new DeadError("the process is dead");
      if (isLast && plan.death === "before") throw die();
      const answer = plan.answer?.(text, statement.values ?? []);
      if (answer !== undefined) return answer;
      const result = client.query(statement as never) as unknown as Promise<unknown>;
      if (isLast && plan.death === "sent") {
        // The bytes leave with the next turn of the loop.
        setImmediate(die);
      }
      const found = await result;
      if (isLast && plan.death === "answered") throw die();
      return found;
    })();
  }

  return {
    statements,
    get stopped() {
      return broke;
    },
    async connect() {
      // As if it were refused at the door (`invalid_authorization_specification`): what is dead does not try again.
      if (stopped)
        throw Object.assign(new DeadError("the process is dead"), { code: "28000", severity: "FATAL" });
      const client = new pg.Client({ connectionString: url });
      client.on("error", () => {});
      await client.connect();
      clients.add(client);
      return new Proxy(client, {
        get(target, name) {
          if (name === "query") return (statement: Statement) => query(target, statement);
          const value = Reflect.get(target, name, target) as unknown;
          return typeof value === "function" ? (value as () => unknown).bind(target) : value;
        },
      }) as unknown as PostgresClient;
    },
  };
}
