/* SPDX-License-Identifier: Apache-2.0 */
/*
 * style: the page's style sheet. Colours of groups are from Okabe and Ito's set (2008), darkened
 * on white and lightened on black until each differs from the paper by 3 to 1 or more; text
 * differs by 4.5 to 1 or more. Points also differ by shape.
 */
#ifndef REPORT_STYLE_H
#define REPORT_STYLE_H

/* In parts: ISO C promises no longer string than 4,095 characters. */
static const char *const style[] = {
    /* colours */
    ":root{color-scheme:light dark;--ink:#16191d;--soft:#545c66;--paper:#fff;--line:#dde1e6;"
    "--panel:#f3f6f9;--can:#0067a5;--warn:#fff6e6;--warnline:#b35900;--link:#0b5cad;"
    "--band:#d55e001c;--g0:#0067a5;--g1:#c65300;--g2:#008564;--g3:#8a6d00;--g4:#aa3377;"
    "--g5:#737c87}"
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#e9ecef;--soft:#a7b0ba;"
    "--paper:#121518;--line:#30363d;--panel:#1b2025;--can:#56b4e9;--warn:#2a2213;"
    "--warnline:#e69f00;--link:#7cc0f5;--band:#e8843c2b;--g0:#56b4e9;--g1:#f0904c;--g2:#2fbf98;"
    "--g3:#d9c04a;--g4:#d98ab8;--g5:#98a2ad}}"
    /* page and type */
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:17px/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}"
    "main,header,footer{max-width:820px;margin:0 auto;padding:0 20px}"
    "header{padding-top:28px}"
    ".brand{font-size:.82rem;font-weight:700;letter-spacing:.02em;margin:0 0 1.6rem;"
    "padding-bottom:.7rem;border-bottom:1px solid var(--line)}"
    ".brand span{font-weight:400;color:var(--soft);margin-left:.6em}"
    "h1{font-size:2.05rem;line-height:1.18;margin:0 0 .5em;letter-spacing:-.018em;"
    "text-wrap:balance}"
    "h2{font-size:1.4rem;line-height:1.28;margin:2em 0 .5em;padding-top:1.1em;"
    "border-top:2px solid var(--ink);letter-spacing:-.01em;text-wrap:balance}"
    "h3{font-size:1.04rem;margin:2.1em 0 .5em}p{margin:.5em 0}"
    "a{color:var(--link)}"
    ".lead{color:var(--soft);font-size:1.08rem}"
    ".meta{color:var(--soft);font-size:.86rem;overflow-wrap:anywhere}"
    ".confidence{font-size:.95rem}"
    /* the answer, and what it cannot tell, of the same weight */
    ".can,.cannot{border-left:5px solid var(--can);background:var(--panel);"
    "padding:.9em 1.2em 1em;margin:1.1em 0;border-radius:0 6px 6px 0;font-size:1.04rem}"
    ".cannot{background:var(--warn);border-color:var(--warnline)}"
    ".can h3,.cannot h3{margin:0 0 .45em;font-size:.82rem;letter-spacing:.06em;"
    "text-transform:uppercase;color:var(--can)}.cannot h3{color:var(--warnline)}"
    ".can ul,.cannot ul{margin:0;padding-left:1.15em}.can li,.cannot li{margin:.45em 0}"
    ".answer li:first-child{font-weight:600}"
    ".limits{padding-left:1.15em}.limits li{margin:.3em 0}",
    /* figures */
    "figure{margin:2.2em 0}figcaption{font-weight:600;line-height:1.35;margin-bottom:.35em}"
    ".unit{font-weight:400;color:var(--soft)}"
    "svg{display:block;width:100%;height:auto;fill:var(--ink)}svg.narrow{display:none}"
    ".label,.value{text-anchor:end}.value{font-variant-numeric:tabular-nums}"
    ".tick,.words{text-anchor:middle;fill:var(--soft);font-size:.88em}"
    ".axis{stroke:var(--ink);fill:none}.grid{stroke:var(--line);fill:none}"
    ".band{fill:var(--band)}.stem{stroke:var(--soft);stroke-width:1.2;fill:none}"
    ".bracket{stroke:var(--g1);stroke-width:2;fill:none}"
    ".whisker{stroke:var(--ink);stroke-width:1.4;fill:none}"
    ".g0{fill:var(--g0);background:var(--g0)}.g1{fill:var(--g1);background:var(--g1)}"
    ".g2{fill:var(--g2);background:var(--g2)}.g3{fill:var(--g3);background:var(--g3)}"
    ".g4{fill:var(--g4);background:var(--g4)}.g5{fill:var(--g5);background:var(--g5)}"
    ".legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2em 1.2em;padding:0;margin:.2em 0 "
    ".6em;font-size:.88rem;color:var(--soft)}"
    ".swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.45em;"
    "-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    /* tables and folds */
    "table{border-collapse:collapse;width:100%;font-size:.9rem;line-height:1.4}"
    "th,td{text-align:left;vertical-align:top;padding:.45em .9em .45em 0;"
    "border-bottom:1px solid var(--line)}thead th{color:var(--soft);font-weight:600;"
    "border-bottom:1.5px solid var(--soft);vertical-align:bottom}tbody th{font-weight:500}"
    "th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".d{white-space:nowrap}.scroll{overflow-x:auto}.ref th,.ref "
    "td{background:var(--panel);font-weight:700}"
    ":target{background:var(--panel)}"
    "details{margin:.5em 0}summary{cursor:pointer;color:var(--link);padding:.3em 0;"
    "font-size:.92rem}code{font-size:.8rem;color:var(--soft);overflow-wrap:anywhere}"
    "footer{color:var(--soft);font-size:.84rem;margin-top:3em;padding-top:1em;padding-bottom:3em;"
    "overflow-wrap:anywhere}"
    ":focus-visible{outline:3px solid var(--link);outline-offset:2px}"
    "@media(max-width:600px){body{font-size:16px}h1{font-size:1.55rem}h2{font-size:1.22rem}"
    "svg.wide{display:none}svg.narrow{display:block}td.n{white-space:normal}.can,.cannot{padding:."
    "8em .9em;font-size:1rem;"
    "margin-left:-20px;margin-right:-20px;padding-left:15px;padding-right:20px;border-radius:0}}"
    /* paper: black on white, folds of what was stated open */
    "@media print{body{font-size:10pt}main,header,footer{max-width:none;padding:0}"
    "svg.wide{display:block}svg.narrow{display:none}.can,.cannot{margin-left:0;margin-right:0}"
    "figure>svg,tr,.can,.cannot{break-inside:avoid}h2,h3,figcaption,.legend{break-after:avoid}"
    "thead{display:table-header-group}.scroll{overflow:visible}"
    "svg *,.can,.cannot,.ref *{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    "details.paper::details-content{content-visibility:visible;display:block}"
    "a{color:inherit}@page{margin:17mm}}"};

#endif
