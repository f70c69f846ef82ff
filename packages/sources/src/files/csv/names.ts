/** Names for the columns of a header: a place without one is `column3`, one that stands there already becomes `name_2`. */
export function uniqueNames(names: readonly string[]): readonly string[] {
  const taken = new Set(names);
  const used = new Set<string>();
  return names.map((given, i) => {
    const base = given === "" ? `column${i + 1}` : given;
    if (!used.has(base) && (given !== "" || !taken.has(base))) {
      used.add(base);
      return base;
    }
    let number = 2;
    while (used.has(`${base}_${number}`) || taken.has(`${base}_${number}`)) number += 1;
    const name = `${base}_${number}`;
    used.add(name);
    return name;
  });
}
