// SPDX-License-Identifier: Apache-2.0
// ladder: likelihood ratios as dots with their intervals on a log10 axis, the verbal scale behind.
import { axisX, dot, link, rect, ruleX, text, axisY } from "@observablehq/plot";
import { fixed } from "../number";
import { LIKELIHOOD_SCALE, words_of_ratio } from "../words";
import { AGAINST, chart, FOR, INK, label_room, LINE, NEITHER, PAPER, short, SOFT } from "./common";

export interface Rung {
    label: string;
    low: number;
    median: number;
    high: number;
    strong?: boolean; // the sum of the others
}

const colour = (r: Rung) => (Math.abs(r.median) < LIKELIHOOD_SCALE[0]![0] ? NEITHER : r.median > 0 ? FOR : AGAINST);

export function ladder(rungs: Rung[], width: number, towards: { left: string; right: string }): { svg: Element; says: string } {
    const { left, most } = label_room(rungs.map((r) => r.label), width);
    const reach = Math.max(1.15, ...rungs.map((r) => Math.max(Math.abs(r.low), Math.abs(r.high), Math.abs(r.median)))) * 1.06;
    const far = Number.isFinite(reach) ? reach : 12;
    const edges = [...LIKELIHOOD_SCALE.map(([e]) => e).filter((e) => e < far)];
    const bands = [-1, 1].flatMap((side) => edges.map((edge, i) => ({
        side, from: side * edge, to: side * Math.min(far, edges[i + 1] ?? far), step: i,
    })));
    const wide_enough = (from: number, to: number) => Math.abs(to - from) / (2 * far) * (width - left) > 62;
    const side = Math.max(6, Math.floor((width - left) / 2 / 8.2) - 2); // letters of what is named on each side
    const keys = rungs.map((_, i) => i);
    const clamp = (x: number) => Math.max(-far, Math.min(far, x));
    const svg = chart({
        width, height: 64 + rungs.length * 26, marginLeft: left, marginRight: 16, marginTop: 34, marginBottom: 34,
        x: { domain: [-far, far], label: null }, y: { domain: keys, label: null, padding: 0.3 },
        marks: [
            rect(bands, { x1: "from", x2: "to", fill: (b) => (b.side > 0 ? FOR : AGAINST), fillOpacity: (b) => 0.03 + 0.025 * b.step }),
            text(bands.filter((b) => wide_enough(b.from, b.to)), {
                x: (b) => (b.from + b.to) / 2, frameAnchor: "top", dy: -9, fontSize: 10.5, fill: SOFT,
                text: (b) => words_of_ratio((b.from + b.to) / 2).replace(" support", "").replace("moderately strong", "mod. strong"),
            }),
            text([{ x: far, words: `${short(towards.right, side)} →` }], { x: "x", text: "words", frameAnchor: "top", dy: -25, textAnchor: "end", fill: FOR, fontWeight: "600" }),
            text([{ x: -far, words: `← ${short(towards.left, side)}` }], { x: "x", text: "words", frameAnchor: "top", dy: -25, textAnchor: "start", fill: AGAINST, fontWeight: "600" }),
            axisX({ ticks: Math.max(3, Math.floor((width - left) / 80)), tickFormat: tick, tickSize: 4, color: SOFT }),
            axisY({ tickSize: 0, tickFormat: (i: number) => short(rungs[i]!.label, most), fontSize: 12 }),
            ruleX([0], { stroke: INK, strokeWidth: 1.2 }),
            link(rungs, { x1: (r) => clamp(r.low), x2: (r) => clamp(r.high), y1: (_, i) => i, y2: (_, i) => i, stroke: colour, strokeWidth: (r) => (r.strong ? 5 : 3), strokeOpacity: 0.55, strokeLinecap: "round" }),
            dot(rungs, { x: (r) => clamp(r.median), y: (_, i) => i, r: (r) => (r.strong ? 6.5 : 4.5), fill: colour, stroke: PAPER, strokeWidth: 1.5,
                title: (r) => `${r.label}\nlog10 LR ${fixed(r.median)} (${fixed(r.low)} to ${fixed(r.high)})\n${words_of_ratio(r.median)}`, tip: true }),
            ruleX([-far, far], { stroke: LINE }),
        ],
    });
    const extreme = [...rungs].sort((a, b) => Math.abs(b.median) - Math.abs(a.median))[0];
    const says = extreme ? `${rungs.length} rows. Furthest from one: ${extreme.label}, log10 ${fixed(extreme.median)}, ${words_of_ratio(extreme.median)}.` : "Nothing was weighed.";
    return { svg, says };
}

function tick(x: number): string {
    if (x === 0) return "1";
    const size = Math.abs(x);
    if (!Number.isInteger(size)) return "";
    const words = size <= 3 ? String(10 ** size) : `10${String(size).replace(/\d/g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)]!)}`;
    return x > 0 ? words : `1/${words}`;
}
