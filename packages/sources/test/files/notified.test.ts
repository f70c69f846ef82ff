import { expect, test } from "vitest";
import { notifiedFiles } from "../../src/files/notified.ts";

const record = (eventName: string, key: string): object => ({
  eventSource: "aws:s3",
  eventName,
  s3: { bucket: { name: "shop" }, object: { key, size: 5, eTag: "abc", versionId: "v1", sequencer: "0" } },
});
const file = (key: string): object => ({ bucket: "shop", key, size: 5, etag: "abc", versionId: "v1" });

test.each<[string, unknown, unknown]>([
  [
    "an event of S3, whose keys are encoded",
    {
      Records: [
        record("ObjectCreated:Put", "a+b/%C3%BC%2B.csv"),
        record("ObjectCreated:CompleteMultipartUpload", "c"),
      ],
    },
    [file("a b/ü+.csv"), file("c")],
  ],
  ["an object that was deleted", { Records: [record("ObjectRemoved:Delete", "a")] }, []],
  ["the test event", { Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "shop" }, []],
  [
    "an event through SNS",
    { Type: "Notification", Message: JSON.stringify({ Records: [record("ObjectCreated:Copy", "a")] }) },
    [file("a")],
  ],
  [
    "an event of EventBridge, whose keys are not encoded",
    {
      source: "aws.s3",
      "detail-type": "Object Created",
      detail: {
        bucket: { name: "shop" },
        object: { key: "a+b%20.csv", size: 5, etag: "abc", "version-id": "v1" },
      },
    },
    [file("a+b%20.csv")],
  ],
  [
    "another event of EventBridge",
    {
      source: "aws.s3",
      "detail-type": "Object Deleted",
      detail: { bucket: { name: "shop" }, object: { key: "a" } },
    },
    [],
  ],
  ["something else", { hello: "world" }, undefined],
  ["a list", [1], undefined],
  ["a record of something else", { Records: [{ eventSource: "aws:kinesis" }] }, undefined],
  ["a key that cannot be decoded", { Records: [record("ObjectCreated:Put", "%E0%A4%A")] }, undefined],
])("%s", (_what, message, wanted) => {
  expect(notifiedFiles(JSON.stringify(message))).toEqual(wanted);
});

test("what is no JSON", () => {
  expect(notifiedFiles("hello")).toBeUndefined();
});
