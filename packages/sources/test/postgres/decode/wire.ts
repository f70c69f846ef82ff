/** Writes COPY streams as a server would, for tests of the decoders. */

/** A value as the server sends it; `null` for null. */
export type WireValue = Uint8Array | null;

/** `numeric` from an unscaled integer and its scale (numeric_send). `pad`: zero digits that a server would not send but might. */
export function wireNumeric(unscaled: bigint, scale: number): Uint8Array {
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale);
  const left = whole.padStart(Math.ceil(whole.length / 4) * 4, "0");
  const right = fraction.padEnd(Math.ceil(fraction.length / 4) * 4, "0");
  const groups = (left + right).match(/.{4}/g)!.map(Number);
  let weight = left.length / 4 - 1;
  while (groups.length > 0 && groups[0] === 0) {
    groups.shift();
    weight -= 1;
  }
  while (groups.length > 0 && groups.at(-1) === 0) groups.pop();
  if (groups.length === 0) weight = 0;
  const out = Buffer.alloc(8 + 2 * groups.length);
  out.writeInt16BE(groups.length, 0);
  out.writeInt16BE(weight, 2);
  out.writeUInt16BE(negative ? 0x4000 : 0, 4);
  out.writeInt16BE(scale, 6);
  groups.forEach((group, i) => out.writeInt16BE(group, 8 + 2 * i));
  return out;
}

function message(type: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function row(values: readonly WireValue[]): Buffer {
  const parts: Uint8Array[] = [Buffer.alloc(2)];
  (parts[0] as Buffer).writeInt16BE(values.length);
  for (const value of values) {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value === null ? -1 : value.length);
    parts.push(length);
    if (value !== null) parts.push(value);
  }
  return Buffer.concat(parts);
}

const header = Buffer.from("5047434f50590aff0d0a000000000000000000", "hex");

/** A whole answer: CopyOutResponse, the rows one message each (the header before the first), the trailer, and what follows. */
export function wireCopy(rows: readonly (readonly WireValue[])[]): Buffer {
  const frames = rows.map((values, i) =>
    message("d", Buffer.concat([...(i === 0 ? [header] : []), row(values)])),
  );
  const trailer = Buffer.from([0xff, 0xff]);
  return Buffer.concat([
    message("H", Buffer.from([1, 0, 0])),
    ...frames,
    message("d", rows.length === 0 ? Buffer.concat([header, trailer]) : trailer),
    message("c", Buffer.alloc(0)),
    message("C", Buffer.from("COPY 1\0")),
    message("Z", Buffer.from("I")),
  ]);
}
