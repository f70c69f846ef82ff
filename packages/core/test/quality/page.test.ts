import { expect, test } from "vitest";
import { checksPage } from "@alluvium/core/checks-page";
import type { CheckResult, RunReport, TableReport } from "@alluvium/core";

const result = (more: Partial<CheckResult>): CheckResult => ({
  name: "range(total)",
  kind: "range",
  column: "total",
  severity: "error",
  when: "before",
  passed: true,
  rows: 1200,
  failed: 0,
  examples: [],
  value: undefined,
  wanted: "at least 0",
  ...more,
});

function report(checks: readonly CheckResult[], more: Partial<RunReport> = {}): RunReport {
  const table = { table: "shop_orders", rows: 1200, quarantined: 3, checks } as unknown as TableReport;
  return {
    pipeline: "shop",
    lane: "main",
    runId: "run-1",
    startedAt: new Date("2026-01-02T03:04:05Z"),
    finishedAt: new Date("2026-01-02T03:04:15Z"),
    complete: true,
    problems: [],
    loads: [{ loadId: "load-1", sequence: 7, committedAt: new Date(0) }],
    plan: undefined,
    tables: { orders: table },
    ...more,
  };
}

test("a page says how each check came out, and whether one needs a look", () => {
  const page = checksPage(
    report([
      result({}),
      result({ name: "small", severity: "warn", passed: false, failed: 2, examples: ["-1", "-5"] }),
      result({ name: "rowCount", kind: "rowCount", passed: true, value: "1200", wanted: "at least 3 rows" }),
    ]),
  );
  expect(page).toMatch(/<title>Checks of shop<\/title>/);
  expect(page).toContain("One check needs a look");
  expect(page).toContain("<h2>shop_orders</h2>");
  expect(page).toContain("1,200 rows loaded, 3 in quarantine, resource orders");
  expect(page).toContain("2 of 1,200 rows failed");
  expect(page).toContain("<code>-5</code>");
  expect(page).toContain("found 1200");
  // What needs a look comes first.
  expect(page.indexOf("<b>small</b>")).toBeLessThan(page.indexOf("<b>range(total)</b>"));
  expect(checksPage(report([result({})]))).toContain("All checks passed");
  expect(checksPage(report([]))).toContain("No checks were made");
  const failed = report([result({ passed: false, failed: 1200 })], {
    complete: false,
    problems: [{ stream: "orders", code: "ALV_CHECK_FAILED", message: "check range(total) failed" }],
    loads: [],
  });
  const bad = checksPage(failed, { title: "Nightly" });
  expect(bad).toContain("<title>Nightly</title>");
  expect(bad).toContain("One check failed");
  expect(bad).toContain("nothing was committed");
  expect(bad).toContain("<code>ALV_CHECK_FAILED</code> in <b>orders</b>");
});

test("nothing on it is read as HTML, and it asks for nothing from elsewhere", () => {
  const evil = `</style><script>alert("1")</script><img src=x onerror='1'> & \u0000 \ud800 \u202e`;
  const page = checksPage(
    report([result({ name: evil, passed: false, failed: 1, examples: [evil], wanted: evil, value: evil })], {
      pipeline: evil,
      lane: evil,
      runId: evil,
      problems: [{ stream: evil, code: evil, message: evil }],
      complete: false,
    }),
    { title: evil },
  );
  expect(page).not.toMatch(/<script|<img|onerror='/);
  expect(page.match(/<\/style>/g)).toHaveLength(1);
  expect(page).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
  for (const hidden of ["\u0000", "\u202e"]) expect(page).not.toContain(hidden);
  expect(page.isWellFormed()).toBe(true);
  expect(page).not.toMatch(/https?:|url\(|@import|<link|src=(?!x)/);
  expect(page).toContain('name="viewport"');
  expect(page).toContain("prefers-color-scheme:dark");
});

test("its elements are closed in the order in which they were opened", () => {
  const page = checksPage(
    report([result({}), result({ name: "b", passed: false, failed: 1, examples: ["1"] })]),
  );
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, end, name] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/g)) {
    if (name === "meta" || name === "br") continue;
    if (end === "") open.push(name!);
    else if (open.pop() !== name) wrong.push(name!);
  }
  expect(wrong).toEqual([]);
  expect(open).toEqual([]);
});
