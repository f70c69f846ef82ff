import { open } from "node:fs/promises";

// Reads a file to its end and looks at none of it: `files-drain.ts FILE`.
await using file = await open(process.argv[2]!);
const piece = Buffer.allocUnsafe(2 * 1024 * 1024);
let bytes = 0;
for (;;) {
  const { bytesRead } = await file.read(piece, 0, piece.length, bytes);
  if (bytesRead === 0) break;
  bytes += bytesRead;
}
process.stdout.write(`${JSON.stringify({ rows: bytes })}\n`);
