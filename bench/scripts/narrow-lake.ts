import { makeLake } from "../make-lake.ts";
import { narrow, narrowBatches } from "../narrow-batches.ts";

// Makes a lake with the table `narrow`: `narrow-lake.ts FOLDER ROWS`.
const [folder, total] = [process.argv[2]!, Number(process.argv[3])];
await makeLake(
  folder,
  narrow,
  narrowBatches(total, (row) => row, 0),
  total,
);
