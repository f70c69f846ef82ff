/** How a page of checks looks. Colours go with a word, never alone. */
export const pageStyle: string = `
:root{color-scheme:light dark;--back:#fff;--front:#1c2024;--soft:#60646c;--line:#e0e3e7;--card:#f7f8fa;
--passed:#18794e;--error:#c62a2f;--warn:#8f5b00;--quarantine:#5746af}
@media (prefers-color-scheme:dark){:root{--back:#16181b;--front:#eceef0;--soft:#a0a6ad;--line:#33383e;--card:#1f2226;
--passed:#4cc38a;--error:#ff8b8b;--warn:#f1a10d;--quarantine:#b1a9ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--front);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .25rem;overflow-wrap:anywhere}
p{margin:0}
code{font:.875em ui-monospace,monospace;background:var(--card);border:1px solid var(--line);border-radius:4px;padding:.05em .3em;overflow-wrap:anywhere}
.when,.counts,.wanted,footer{color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}
.state{font-weight:600}
.state.passed,.figures .passed dd{color:var(--passed)}
.state.error,.figures .error dd{color:var(--error)}
.state.warn,.figures .warn dd{color:var(--warn)}
.state.quarantine,.figures .quarantine dd{color:var(--quarantine)}
header .state{font-size:1.15rem}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:1.25rem 0 0}
.figures div{display:flex;flex-direction:column-reverse;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.6rem .9rem}
dt{color:var(--soft);font-size:.9rem}
dd{margin:0;font-size:1.5rem;font-weight:600;font-variant-numeric:tabular-nums}
ul{list-style:none;margin:.6rem 0 0;padding:0}
li{border:1px solid var(--line);border-left-width:4px;border-radius:6px;padding:.55rem .8rem;margin:0 0 .5rem}
li.passed{border-left-color:var(--passed)}
li.error,.problems li{border-left-color:var(--error)}
li.warn{border-left-color:var(--warn)}
li.quarantine{border-left-color:var(--quarantine)}
.problems li{overflow-wrap:anywhere}
.checks li{display:grid;grid-template-columns:1fr auto;gap:0 1rem}
.name,.wanted,.examples{grid-column:1/-1;overflow-wrap:anywhere}
.name{grid-column:1}
.name .state{display:inline-block;min-width:7rem}
.found{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.share{display:block;height:.3rem;margin:.3rem 0 .2rem;background:var(--line);border-radius:2px;overflow:hidden}
.share span{display:block;height:100%;background:currentColor}
li.error .share{color:var(--error)}
li.warn .share{color:var(--warn)}
li.quarantine .share{color:var(--quarantine)}
.examples{margin-top:.25rem}
.none{margin-top:1.5rem}
footer{margin-top:2.5rem}
@media (max-width:38rem){.checks li{grid-template-columns:1fr}.found{text-align:left}.name .state{min-width:0;margin-right:.35rem}}
@media print{body{font-size:12px}li{break-inside:avoid}}
`;
