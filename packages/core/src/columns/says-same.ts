/** Whether two texts of numbers stand for the same one: digits without zeros at the ends, and where the point is. */
export function saysSame(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => {
    const match = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text);
    if (match === null) return text.replace("+", "");
    const [, sign, whole = "", fraction = "", exponent = "0"] = match;
    const digits = (whole + fraction).replace(/^0+/, "");
    const significant = digits.replace(/0+$/, "");
    if (significant === "") return "0";
    return `${sign === "-" ? "-" : ""}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
  });
  return left === right;
}
