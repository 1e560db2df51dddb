/* SPDX-License-Identifier: Apache-2.0 */
/*
 * style: the page's style sheet. Colours of groups are from Okabe and Ito's set (2008), which
 * stay apart for colour-blind readers; text meets a contrast of 4.5 in light and in dark.
 */
#ifndef REPORT_STYLE_H
#define REPORT_STYLE_H

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d5dae0;"
    "--panel:#f5f7f9;--warn:#fff4e0;--warnline:#b35900;--link:#0b5cad;--g0:#0072b2;--g1:#d55e00;"
    "--g2:#009e73;--g3:#8a6d00;--g4:#aa3377;--g5:#57606a}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a9b1ba;--paper:#14171a;"
    "--line:#343a41;--panel:#1d2226;--warn:#33270f;--warnline:#e69f00;--link:#7cc0f5;--g0:#56b4e9;"
    "--g1:#e8843c;--g2:#2fbf98;--g3:#d9c04a;--g4:#d98ab8;--g5:#a9b1ba}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:17px/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}"
    "main,header,footer{max-width:860px;margin:0 auto;padding:0 20px}"
    "header{padding-top:36px}h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4em;"
    "letter-spacing:-.01em}h2{font-size:1.35rem;line-height:1.3;margin:2.2em 0 .6em;"
    "padding-top:1em;border-top:2px solid var(--ink)}"
    "h3{font-size:1.02rem;margin:1.9em 0 .5em}p{margin:.5em 0}.lead{color:var(--soft);"
    "font-size:1.06rem}.meta{color:var(--soft);font-size:.86rem;overflow-wrap:anywhere}"
    ".answer{font-size:1.12rem;margin:.3em 0;padding-left:1.2em}.answer li{margin:.55em 0}"
    ".cannot{background:var(--warn);border-left:5px solid var(--warnline);padding:.7em 1.1em "
    ".8em;border-radius:3px}.cannot h3{margin:.2em 0 .4em}.cannot ul{margin:0;padding-left:1.2em}"
    ".cannot li{margin:.4em 0}"
    "figure{margin:1.8em 0}figcaption{font-weight:600;margin-bottom:.4em}.unit{font-weight:400;"
    "color:var(--soft)}svg{display:block;width:100%;height:auto;font-size:13px;fill:var(--ink)}"
    ".label{text-anchor:end}.value{text-anchor:end;fill:var(--soft);"
    "font-variant-numeric:tabular-nums}.axis{stroke:var(--soft);fill:none}"
    ".whisker{stroke:var(--ink);stroke-width:1.4;fill:none}"
    ".g0{fill:var(--g0);background:var(--g0)}.g1{fill:var(--g1);background:var(--g1)}"
    ".g2{fill:var(--g2);background:var(--g2)}.g3{fill:var(--g3);background:var(--g3)}"
    ".g4{fill:var(--g4);background:var(--g4)}.g5{fill:var(--g5);background:var(--g5)}"
    ".legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2em 1.2em;padding:0;margin:.2em 0 "
    ".6em;font-size:.88rem;color:var(--soft)}.swatch{display:inline-block;width:.8em;height:.8em;"
    "border-radius:2px;margin-right:.45em;print-color-adjust:exact}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;"
    "vertical-align:top;padding:.38em .7em .38em 0;border-bottom:1px solid var(--line)}"
    "th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".scroll{overflow-x:auto}.ref td{background:var(--panel);font-weight:600}"
    "details{margin:.6em 0}summary{cursor:pointer;color:var(--link);padding:.2em 0}"
    "code{font-size:.82rem;overflow-wrap:anywhere}"
    "footer{color:var(--soft);font-size:.86rem;padding-top:2em;padding-bottom:3em}"
    ":focus-visible{outline:3px solid var(--link);outline-offset:2px}"
    "@media(max-width:560px){body{font-size:16px}h1{font-size:1.5rem}svg{font-size:17px}"
    ".answer{font-size:1.03rem}}"
    "@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--line:#bbb;--panel:#eee;--warn:#fff;"
    "--link:#000}body{font-size:10.5pt}main,header,footer{max-width:none;padding:0}"
    "figure,tr,.cannot{break-inside:avoid}h2,h3{break-after:avoid}"
    "rect{print-color-adjust:exact}@page{margin:18mm}}";

#endif
