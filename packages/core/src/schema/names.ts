import { AlluviumError } from "../errors.ts";
import type { Naming } from "../stream.ts";

/**
 * A name as `naming` spells it. `snake`: words in lower case with `_` between them, `HTTPStatus` → `http_status`, `"Order Date"` →
 * `order_date`, `createdAt` → `created_at`; see {@link SnakeCase} for the rule. A function's answer is taken as it is.
 */
export function spellName(name: string, naming: Naming = "snake"): string {
  if (naming === "keep") return name;
  return naming === "snake" ? snakeCase(name) : naming(name);
}

/**
 * The names that `naming` gives to each of `names`. Two that become one are `ALV_NAME_COLLISION` naming both.
 *
 * @param what what the names are of, for the message: `table "orders"`
 */
export function spellNames(
  names: readonly string[],
  naming: Naming,
  what: string,
  options: { readonly foldCase?: boolean } = {},
): ReadonlyMap<string, string> {
  const spelled = new Map<string, string>();
  const sources = new Map<string, string>();
  for (const name of names) {
    const target = spellName(name, naming);
    const key = options.foldCase === true ? target.toLowerCase() : target;
    const other = sources.get(key);
    if (other !== undefined && other !== name)
      throw new AlluviumError(
        "ALV_NAME_COLLISION",
        `${what}: ${JSON.stringify(other)} and ${JSON.stringify(name)} are both called ${JSON.stringify(target)}; rename one, or choose another naming`,
      );
    sources.set(key, name);
    spelled.set(name, target);
  }
  return spelled;
}

/**
 * A name in snake case: lower case, and `_` between words. A word begins after ASCII punctuation or white space, at an upper-case letter
 * after a lower-case letter or digit, and at the last of several upper-case letters when a lower-case one follows (`HTTPStatus`). Underscores
 * stay as they are; other separators become one where no underscore stands beside them, and none at the ends. Only A–Z and a–z tell
 * words apart. `snakeCase` and the type {@link SnakeCase} agree.
 */
export function snakeCase<Name extends string>(name: Name): SnakeCase<Name> {
  return name
    .replace(/([a-z0-9])(?=[A-Z])/g, "$1_")
    .replace(/([A-Z])(?=[A-Z][a-z])/g, "$1_")
    .replace(/[ \t\n\r!-/:-@[-`{-~]+/g, (run, at: number, whole: string) => {
      const isInside = at > 0 && at + run.length < whole.length;
      return run.replace(/[^_]/g, "") || (isInside ? "_" : "");
    })
    .replace(/[^_]/g, (letter) => letter.toLowerCase()) as SnakeCase<Name>;
}

/** The type of {@link snakeCase}'s answer; `string` for a name that is not known. */
export type SnakeCase<Name extends string> = string extends Name
  ? string
  : Name extends Lowercase<Name>
    ? Name extends `${string}${Separator}${string}`
      ? Snake<Name, "", "">
      : Name
    : Snake<Name, "", "">;

/** `Before`: what came last – nothing, `-` for separators not yet written, or a letter of its class: `A`, `a` (digits too), `o` any other, or `_`. */
type Snake<
  Rest extends string,
  Before extends string,
  Done extends string,
> = Rest extends `${infer Head}${infer Tail}`
  ? Head extends Separator
    ? Snake<Tail, Before extends "_" | "" ? Before : "-", Done>
    : Head extends "_"
      ? Snake<Tail, "_", `${Done}_`>
      : Head extends Upper
        ? Snake<Tail, "A", `${Done}${Boundary<Before, Tail>}${Lowercase<Head>}`>
        : Snake<
            Tail,
            Head extends Lower | Digit ? "a" : "o",
            `${Done}${Before extends "-" ? "_" : ""}${Lowercase<Head>}`
          >
  : Done;

type Boundary<Before extends string, Tail extends string> = Before extends "-" | "a"
  ? "_"
  : Before extends "A"
    ? Tail extends `${Lower}${string}`
      ? "_"
      : ""
    : "";

type Lower =
  | "a"
  | "b"
  | "c"
  | "d"
  | "e"
  | "f"
  | "g"
  | "h"
  | "i"
  | "j"
  | "k"
  | "l"
  | "m"
  | "n"
  | "o"
  | "p"
  | "q"
  | "r"
  | "s"
  | "t"
  | "u"
  | "v"
  | "w"
  | "x"
  | "y"
  | "z";
type Upper = Uppercase<Lower>;
type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";
type Separator =
  | " "
  | "\t"
  | "\n"
  | "\r"
  | "!"
  | '"'
  | "#"
  | "$"
  | "%"
  | "&"
  | "'"
  | "("
  | ")"
  | "*"
  | "+"
  | ","
  | "-"
  | "."
  | "/"
  | ":"
  | ";"
  | "<"
  | "="
  | ">"
  | "?"
  | "@"
  | "["
  | "\\"
  | "]"
  | "^"
  | "`"
  | "{"
  | "|"
  | "}"
  | "~";
