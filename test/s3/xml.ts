const named: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** An element with text or elements in it, as text. */
export function element(name: string, ...content: readonly (string | Xml)[]): Xml {
  const inner = content.map((part) => (typeof part === "string" ? escaped(part) : part.text)).join("");
  return { text: `<${name}>${inner}</${name}>` };
}

/** Text that is XML already. */
export interface Xml {
  readonly text: string;
}

export function xml(root: Xml): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root.text}`;
}

/** The texts of all elements of a name, in their order. */
export function textOf(source: string, name: string): readonly string[] {
  return Array.from(source.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g")), ([, text]) =>
    text!.replaceAll(
      /&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g,
      (_, hex?: string, digits?: string, entity?: string) =>
        hex !== undefined
          ? String.fromCodePoint(Number.parseInt(hex, 16))
          : digits !== undefined
            ? String.fromCodePoint(Number(digits))
            : ({ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }[entity!] ?? ""),
    ),
  );
}

function escaped(text: string): string {
  return text.replaceAll(
    /[&<>"]|[^\u0020-\ud7ff\ue000-\uffff]/g,
    (character) => named[character] ?? character,
  );
}
