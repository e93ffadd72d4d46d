"""The style sheet of the report, with a light and a dark color scheme and without external files."""

CSS = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --panel: #ffffff; --text: #1c2330; --quiet: #5d6778; --rule: #dfe3ea; --strong: #0b57d0;
  --tint: #e9f0fd; --line-0: #0b57d0; --line-1: #d2650f; --good: #11734b; --good-tint: #dcf3e7;
  --bad: #a32b1f; --bad-tint: #fbe4e0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --panel: #1a1f28; --text: #e6e9ef; --quiet: #9aa5b6; --rule: #2d3542; --strong: #8ab4f8;
    --tint: #1f2c44; --line-0: #8ab4f8; --line-1: #f2a65a; --good: #6fd6a5; --good-tint: #17352a;
    --bad: #f29c90; --bad-tint: #41231f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 0 0 4px; }
h3 { font-size: 15px; margin: 24px 0 6px; }
p { margin: 0 0 12px; max-width: 78ch; }
.lead { color: var(--quiet); font-size: 17px; }
.note { color: var(--quiet); font-size: 14px; }
section {
  background: var(--panel); border: 1px solid var(--rule); border-radius: 14px; padding: 24px;
  margin-top: 22px;
}
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 14px; margin-top: 24px;
}
.tile { background: var(--panel); border: 1px solid var(--rule); border-radius: 14px; padding: 16px 18px; }
.tile b {
  display: block; font-size: 28px; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums;
}
.tile span { color: var(--quiet); font-size: 14px; display: block; line-height: 1.4; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.metrics { width: 100%; font-size: 14.5px; }
.metrics th, .metrics td { padding: 7px 10px; text-align: right; border-bottom: 1px solid var(--rule); }
.metrics th { font-weight: 600; color: var(--quiet); white-space: nowrap; }
.metrics th:first-child, .metrics td:first-child { text-align: left; padding-left: 10px; }
.metrics tbody th { color: var(--text); font-weight: 500; }
.metrics tr.ours { background: var(--tint); }
.metrics tr.ours th, .metrics tr.ours td { font-weight: 650; }
.metrics tr:last-child th, .metrics tr:last-child td { border-bottom: 0; }
.images th {
  font-size: 13px; font-weight: 600; color: var(--quiet); padding: 4px 3px; white-space: nowrap;
}
.images td { padding: 3px; }
.images img {
  display: block; width: 128px; height: auto; border-radius: 6px; box-shadow: 0 0 0 1px var(--rule);
}
.legend { display: flex; gap: 22px; align-items: center; flex-wrap: wrap; margin-top: 16px; }
.legend img { width: 96px; height: 96px; border-radius: 50%; }
.legend .wheel {
  margin: 0; display: grid; grid-template-columns: 1fr auto 1fr; align-items: center;
  justify-items: center; gap: 2px 8px; font-size: 12.5px; color: var(--quiet);
}
.legend dl {
  margin: 0; flex: 1 1 420px; display: grid; grid-template-columns: max-content 1fr; gap: 4px 14px;
  font-size: 14px;
}
.legend dt { font-weight: 600; }
.legend dd { margin: 0; color: var(--quiet); }
.badge {
  display: inline-block; border-radius: 999px; padding: 1px 10px; font-size: 13px; font-weight: 600;
}
.met { background: var(--good-tint); color: var(--good); }
.missed { background: var(--bad-tint); color: var(--bad); }
.charts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 18px; margin-top: 12px;
}
.chart p { margin: 0; font-size: 14px; font-weight: 600; }
.chart p span { font-weight: 400; color: var(--quiet); }
svg { width: 100%; height: auto; display: block; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .tick { fill: var(--quiet); font-size: 11px; }
svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
svg .line-0 { stroke: var(--line-0); }
svg .dot-0 { fill: var(--line-0); }
svg .line-1 { stroke: var(--line-1); }
svg .dot-1 { fill: var(--line-1); }
.key { font-size: 14px; color: var(--quiet); }
.key i {
  display: inline-block; width: 18px; height: 3px; border-radius: 2px; vertical-align: middle;
  margin: 0 6px 0 12px;
}
.facts {
  display: grid; grid-template-columns: max-content 1fr; gap: 6px 20px; margin: 12px 0 16px;
  font-size: 15px;
}
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
summary { cursor: pointer; font-weight: 600; font-size: 15px; }
pre {
  overflow-x: auto; background: var(--page); border: 1px solid var(--rule); border-radius: 8px;
  padding: 14px; font-size: 13px; line-height: 1.45;
}
@media (max-width: 600px) {
  main { padding: 20px 10px 40px; }
  section { padding: 16px 12px; }
  .facts { grid-template-columns: 1fr; }
}
@media print {
  section, .tile { break-inside: avoid; }
  body { background: #fff; }
}
"""
