import { randomBytes } from "node:crypto";

let lastTime = 0;
let lastCount = 0;

/**
 * A new time-ordered id (UUID version 7, RFC 9562): ids of one process sort by the order in which they were drawn, those of several
 * by the millisecond. The 12 bits after the time count within a millisecond (method 1 of section 6.2).
 */
export function timeOrderedId(now: number = Date.now()): string {
  const bytes = randomBytes(16);
  // Starting below half leaves room to count up within the millisecond.
  if (now > lastTime) {
    lastTime = now;
    lastCount = ((bytes[6]! << 8) | bytes[7]!) & 0x7ff;
  } else if (++lastCount > 0xfff) {
    lastTime += 1;
    lastCount = 0;
  }
  bytes.writeUIntBE(lastTime, 0, 6);
  bytes.writeUInt16BE(0x7000 | lastCount, 6);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
