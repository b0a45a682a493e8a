import { html } from '../markup.ts';

/** Light and dark by the reader’s own setting, light on paper. */
export const STYLE = html`<style>
:root { color-scheme: light dark; --paper: #ffffff; --card: #f6f8fa; --ink: #1f2328; --faint: #59636e; --rule: #d1d9e0; --blue: #0969da; --green: #1a7f37; --red: #c21f2c; --amber: #9a6700; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #0d1117; --card: #161b22; --ink: #e6edf3; --faint: #9198a1; --rule: #30363d; --blue: #58a6ff; --green: #3fb950; --red: #ff7b72; --amber: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 32px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 44px 0 12px; padding-top: 14px; border-top: 1px solid var(--rule); }
h3 { font-size: 15px; margin: 0 0 8px; }
p { margin: 0 0 12px; }
.over { color: var(--faint); font-weight: 600; margin: 0 0 4px; }
.lead { font-size: 17px; max-width: 84ch; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; margin-top: 20px; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 14px 16px; }
.tile p { margin: 0; }
.tile .label { color: var(--faint); font-size: 13px; }
.tile .value { font-size: 30px; font-weight: 650; line-height: 1.3; }
.tile .note { font-size: 13px; }
.alarming { border-left: 5px solid var(--red); }
.alarming .value { color: var(--red); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 16px; }
figure { margin: 0 0 16px; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 16px; }
figcaption { color: var(--faint); font-size: 13px; margin-top: 6px; }
svg { display: block; width: 100%; height: auto; font-size: 13px; }
svg text { fill: var(--faint); }
svg text.ink { fill: var(--ink); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .axis { stroke: var(--faint); stroke-width: 1; }
svg .curve { fill: none; stroke: var(--blue); stroke-width: 2.5; stroke-linejoin: round; }
svg line.promised { stroke: var(--amber); stroke-width: 1.5; stroke-dasharray: 5 4; }
svg text.promised { fill: var(--amber); font-weight: 600; }
svg circle.present { fill: var(--blue); stroke: var(--card); stroke-width: 2; }
svg text.present { fill: var(--ink); font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
svg circle.theft { fill: var(--red); fill-opacity: 0.75; }
svg circle.benign { fill: none; stroke: var(--ink); stroke-width: 1.8; }
.wide { overflow-x: auto; margin-bottom: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; vertical-align: bottom; color: var(--faint); font-weight: 600; font-size: 13px; }
th, td { padding: 6px 8px; border-bottom: 1px solid var(--rule); }
td { vertical-align: top; overflow-wrap: break-word; }
td p { margin: 0 0 4px; max-width: 60ch; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
td.n, td.t { white-space: nowrap; }
td.name { min-width: 15ch; max-width: 32ch; }
tr.present td { background: var(--card); font-weight: 650; }
.facts { width: auto; }
.facts th { vertical-align: top; padding-right: 32px; white-space: nowrap; }
.facts td { overflow-wrap: anywhere; }
.better { color: var(--green); font-weight: 600; white-space: nowrap; }
.worse { color: var(--red); font-weight: 600; white-space: nowrap; }
.bar { display: inline-block; width: 72px; height: 9px; border-radius: 5px; background: var(--rule); overflow: hidden; vertical-align: 0; }
.bar span { display: block; height: 100%; }
.bar .good { background: var(--green); }
.bar .bad { background: var(--red); }
code { font: 0.92em ui-monospace, "DejaVu Sans Mono", monospace; }
li { max-width: 90ch; margin-bottom: 4px; }
@media print { main { max-width: none; padding: 0; } .wide { overflow: visible; } figure, tr { break-inside: avoid; } }
</style>`;
