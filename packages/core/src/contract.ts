import type { AlluviumError } from "./errors.ts";

/**
 * What happens where a source brings what its table does not have.
 *
 * - `evolve`: the table takes it: columns are added; values that a column does not hold go into a variant column beside it (`total__v_string`).
 * - `freeze`: it is an error, and nothing of it is committed.
 * - `discardValue`: the value is left out, and its row is loaded without it. Where there is no row without it (a key, a column that must not be
 *   null), the row is left out.
 * - `discardRow`: the row is left out.
 * - `quarantine`: the row goes into the table's quarantine (`orders__quarantine`) as it came.
 */
export type ContractPolicy = "evolve" | "freeze" | "discardValue" | "discardRow" | "quarantine";

/** A contract by what is new. */
export interface ContractPolicies {
  /** A table that is not committed yet, child tables included. @default "evolve" */
  readonly tables?: ContractPolicy;
  /** A column, or a member of one, that the table lacks. @default "evolve" */
  readonly columns?: ContractPolicy;
  /**
   * A value that its column does not hold, a null where none is allowed, and a row that its schema refuses. What no type holds does not
   * evolve: such nulls, null keys and refusals of schemas are errors under `evolve`, too. @default "evolve"
   */
  readonly types?: ContractPolicy;
}

/**
 * What may change in a table. One policy holds for columns and types, and for the child tables that turn up; the table of a resource itself is
 * named by the program, and so may always be made, unless `tables` says otherwise.
 */
export type ContractOption = ContractPolicy | ContractPolicies;

/** A contract of which nothing is left out. */
export interface Contract {
  /** For the table of a resource itself. */
  readonly tables: ContractPolicy;
  /** For the child tables that turn up in rows of a table that is there. */
  readonly childTables: ContractPolicy;
  readonly columns: ContractPolicy;
  readonly types: ContractPolicy;
}

/** Every policy there is. */
const contractPolicies: readonly ContractPolicy[] = [
  "evolve",
  "freeze",
  "discardValue",
  "discardRow",
  "quarantine",
];

/** What is new, by which policies are chosen. */
const contractEntities: readonly (keyof ContractPolicies)[] = ["tables", "columns", "types"];

/** A contract, or part of one, in any spelling. */
export type SpelledContract = ContractPolicy | Partial<Contract> | undefined;

/** The contract that options make together: the first that says something of an entity decides on it. */
export function joinContracts(...options: readonly SpelledContract[]): Partial<Contract> {
  const joined: { -readonly [Entity in keyof Contract]?: Contract[Entity] } = {};
  for (const option of options) {
    const parts = partsOf(option);
    for (const entity of entities) {
      const policy = joined[entity] ?? parts[entity];
      if (policy !== undefined) joined[entity] = policy;
    }
  }
  return joined;
}

/** The same with what is left out by default. */
export function contractOf(...options: readonly SpelledContract[]): Contract {
  const {
    tables = "evolve",
    childTables = "evolve",
    columns = "evolve",
    types = "evolve",
  } = joinContracts(...options);
  return { tables, childTables, columns, types };
}

const entities = ["tables", "childTables", "columns", "types"] as const;

function partsOf(option: SpelledContract): Partial<Contract> {
  if (typeof option === "string") return { childTables: option, columns: option, types: option };
  const { tables } = option ?? {};
  return tables === undefined ? (option ?? {}) : { childTables: tables, ...option };
}

/** Refuses what is no contract; it may be left out. `refuse` makes the error. */
export function checkContract(
  contract: ContractOption | undefined,
  refuse: (option: string, value: unknown, wanted: string) => AlluviumError,
): void {
  const policies = contractPolicies.map((policy) => JSON.stringify(policy)).join(", ");
  const isPolicy = (value: unknown): boolean => contractPolicies.includes(value as never);
  if (contract === undefined || isPolicy(contract)) return;
  if (typeof contract !== "object" || contract === null)
    throw refuse(
      "contract",
      contract,
      `${policies}, or one of these for each of ${contractEntities.join(", ")}`,
    );
  for (const [entity, policy] of Object.entries(contract) as [string, unknown][]) {
    if (!contractEntities.includes(entity as never))
      throw refuse("contract", contract, `an object of ${contractEntities.join(", ")}`);
    if (policy !== undefined && !isPolicy(policy)) throw refuse(`contract.${entity}`, policy, policies);
  }
}
