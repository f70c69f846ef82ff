import { BUCKET, startS3 } from "../test/s3/server.ts";

// The S3 server of the tests, in a process of its own. Says in one line where it is, and ends with its input.
const server = await startS3();
process.stdout.write(
  `${JSON.stringify({ url: `s3://${BUCKET}/lake`, endpoint: server.endpoint, account: server.account })}\n`,
);
process.stdin.resume();
process.stdin.once("end", () => void server[Symbol.asyncDispose]().then(() => process.exit()));
