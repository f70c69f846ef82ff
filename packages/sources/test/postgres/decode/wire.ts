/** Writes COPY streams as a server would, for tests of the decoders. */

/** A value as the server sends it; `null` for null. */
export type WireValue = Uint8Array | null;

/** `numeric` from an unscaled integer and its scale (numeric_send). */
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

/** Integers of 32 bits, one behind the other. */
export function wireInt32(...values: readonly number[]): Buffer {
  const out = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => out.writeInt32BE(value, 4 * i));
  return out;
}

/** An integer of 64 bits. */
export function wireInt64(value: bigint): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigInt64BE(value);
  return out;
}

/** An array of one dimension (array_send); `oid`: the type of its elements. */
export function wireArray(oid: number, elements: readonly WireValue[]): Buffer {
  if (elements.length === 0) return wireInt32(0, 0, oid);
  return Buffer.concat([
    wireInt32(1, elements.includes(null) ? 1 : 0, oid, elements.length, 1),
    ...elements.flatMap(wireField),
  ]);
}

/** A composite value (record_send), of members that have a type each. */
export function wireComposite(oids: readonly number[], members: readonly WireValue[]): Buffer {
  return Buffer.concat([
    wireInt32(members.length),
    ...members.flatMap((member, i) => [wireInt32(oids[i]!), ...wireField(member)]),
  ]);
}

/** A value with its length before it. */
function wireField(value: WireValue): Uint8Array[] {
  return value === null ? [wireInt32(-1)] : [wireInt32(value.length), value];
}

/** A message: type, length, body. */
export function wireMessage(type: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** A row as it stands in COPY data. */
export function wireRow(values: readonly WireValue[]): Buffer {
  const count = Buffer.alloc(2);
  count.writeInt16BE(values.length);
  return Buffer.concat([count, ...values.flatMap(wireField)]);
}

/** The signature, flags, and no extension. */
export const header: Uint8Array = Buffer.from("5047434f50590aff0d0a000000000000000000", "hex");

/** A whole answer: CopyOutResponse, the rows `together` to a message (the header before the first), the trailer, and what follows. */
export function wireCopy(rows: readonly (readonly WireValue[])[], together: number = 1): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < rows.length; at += together)
    frames.push(Buffer.concat(rows.slice(at, at + together).map(wireRow)));
  return wireStream([...frames, Buffer.from([0xff, 0xff])]);
}

/** A whole answer with these bodies as COPY data, the first after the header of the format. */
export function wireStream(frames: readonly Uint8Array[], head: Uint8Array = header): Buffer {
  return Buffer.concat([
    wireMessage("H", Buffer.from([1, 0, 0])),
    ...frames.map((body, i) => wireMessage("d", i === 0 ? Buffer.concat([head, body]) : body)),
    wireMessage("c", Buffer.alloc(0)),
    wireMessage("C", Buffer.from("COPY 1\0")),
    wireMessage("Z", Buffer.from("I")),
  ]);
}
