/**
 * How the checks of a run came out, as a page for people.
 *
 * @module core/checks-page
 */
import { foundText } from "../run/checks-text.ts";
import { countText, durationText } from "../run/measure.ts";
import type { RunReport, TableReport } from "../run/report.ts";
import type { CheckResult } from "./check-result.ts";
import { pageStyle } from "./page-style.ts";

/** Options of {@link checksPage}. */
export interface ChecksPageOptions {
  /** Heading, and title of the window. @default "Checks of <pipeline>" */
  readonly title?: string;
}

/**
 * The checks of a run as one HTML text that needs nothing else: no script, no font, no picture, in light and dark, for wide and narrow screens. Also
 * of a run that failed: its error has the `report`. Values that a report shows stand on the page, too.
 *
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 *
 * const report = await pipeline({ name: "shop", source, destination }).run();
 * await writeFile("checks.html", checksPage(report));
 * ```
 */
export function checksPage(report: RunReport, options: ChecksPageOptions = {}): string {
  const { pipeline, lane, runId, startedAt, finishedAt, problems, loads } = report;
  const name = lane === "main" ? pipeline : `${pipeline} (lane ${lane})`;
  const { title = `Checks of ${name}` } = options;
  const tables = Object.entries(report.tables);
  const all = tables.flatMap(([, { checks }]) => checks);
  const bad = all.filter(({ passed }) => !passed);
  const state = stateOf(report, bad);
  const quarantined = tables.reduce((sum, [, table]) => sum + table.quarantined, 0);
  const last = loads.at(-1);
  const took = durationText(finishedAt.getTime() - startedAt.getTime());
  const committed = last === undefined ? "nothing was committed" : `load ${last.sequence}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header>
<h1>${text(title)}</h1>
<p class="state ${state.kind}">${text(state.said)}</p>
<p class="when"><time datetime="${finishedAt.toISOString()}">${timeText(finishedAt)}</time>, after ${text(took)}, ${text(committed)}</p>
</header>
<dl class="figures">
${figure("passed", all.length - bad.length)}
${figure("failed", bad.filter(({ severity }) => severity === "error").length, "error")}
${figure("warnings", bad.filter(({ severity }) => severity === "warn").length, "warn")}
${figure("rows in quarantine", quarantined, "quarantine")}
</dl>
${problemsSection(problems)}${all.length === 0 ? '<p class="none">No checks were made in this run.</p>\n' : ""}${tables
    .filter(([, { checks }]) => checks.length > 0)
    .map(([resource, table]) => tableSection(resource, table))
    .join("\n")}
<footer>Run <code>${text(runId)}</code></footer>
</main>
</body>
</html>
`;
}

type Kind = "passed" | "error" | "warn" | "quarantine";

function stateOf(
  report: RunReport,
  bad: readonly CheckResult[],
): { readonly kind: Kind; readonly said: string } {
  const errors = bad.filter(({ severity }) => severity === "error").length;
  const others = bad.length - errors;
  if (errors > 0)
    return { kind: "error", said: errors === 1 ? "One check failed" : `${errors} checks failed` };
  if (!report.complete) return { kind: "error", said: "The run is not complete" };
  if (others > 0)
    return { kind: "warn", said: others === 1 ? "One check needs a look" : `${others} checks need a look` };
  return { kind: "passed", said: "All checks passed" };
}

function figure(name: string, count: number, kind?: Kind): string {
  const own = kind === undefined || count === 0 ? "" : ` class="${kind}"`;
  return `<div${own}><dt>${text(name)}</dt><dd>${countText(count)}</dd></div>`;
}

function problemsSection(problems: RunReport["problems"]): string {
  if (problems.length === 0) return "";
  const items = problems.map(
    ({ stream, code, message }) =>
      `<li><code>${text(code)}</code>${stream === undefined ? "" : ` in <b>${text(stream)}</b>`}<br>${text(message)}</li>`,
  );
  return `<section>
<h2>Problems of the run</h2>
<ul class="problems">
${items.join("\n")}
</ul>
</section>
`;
}

function tableSection(resource: string, { table, rows, quarantined, checks }: TableReport): string {
  const counts = [
    `${countText(rows)} ${rows === 1 ? "row" : "rows"} loaded`,
    ...(quarantined > 0 ? [`${countText(quarantined)} in quarantine`] : []),
    ...(resource === table ? [] : [`resource ${resource}`]),
  ];
  // What needs a look comes first.
  const sorted = [...checks].sort((a, b) => Number(a.passed) - Number(b.passed));
  return `<section>
<h2>${text(table)}</h2>
<p class="counts">${text(counts.join(", "))}</p>
<ul class="checks">
${sorted.map(checkItem).join("\n")}
</ul>
</section>`;
}

function checkItem(check: CheckResult): string {
  const { name, passed, severity, when, rows, failed, examples, value, wanted, kind } = check;
  const state: Kind = passed ? "passed" : severity;
  const said = { passed: "passed", error: "failed", warn: "warning", quarantine: "quarantined" }[state];
  const looked =
    kind === "sql"
      ? foundText({ ...check, examples: [] })
      : value === undefined && failed > 0
        ? `${countText(failed)} of ${countText(rows)} rows failed`
        : value !== undefined
          ? `found ${value}`
          : passed
            ? `${countText(rows)} ${rows === 1 ? "row" : "rows"} looked at`
            : "found nothing";
  const share =
    failed > 0 && rows > 0 && kind !== "sql"
      ? `<span class="share"><span style="width:${Math.max(1, (100 * failed) / rows).toFixed(1)}%"></span></span>`
      : "";
  const shown =
    examples.length === 0
      ? ""
      : `\n<p class="examples">${examples.map((one) => `<code>${text(one)}</code>`).join(" ")}</p>`;
  return `<li class="${state}">
<p class="name"><span class="state ${state}">${said}</span> <b>${text(name)}</b></p>
<p class="found">${text(looked)}${share}</p>
<p class="wanted">wanted: ${text(wanted)}, ${when} the commit</p>${shown}
</li>`;
}

function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Text as it stands in HTML, within elements and quoted attributes. Characters that no text holds, and lone surrogates, become visible. */
function text(value: string): string {
  const marks: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return (
    value
      .toWellFormed()
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd")
      // Marks of direction could make a value look like another one.
      .replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd")
      .replace(/[&<>"']/g, (mark) => marks[mark]!)
  );
}
