// SPDX-License-Identifier: Apache-2.0
// next: what an exhibit that could be had is expected to tell, in bits, against what it costs.
import { axisX, axisY, dot, gridX, gridY, text } from "@observablehq/plot";
import { number } from "../number";
import { chart, FOR, INK, LINE, PAPER, short, SOFT } from "./common";

export interface Obtainable {
    name: string;
    bits: number;
    cost: number;
}

export function next_chart(items: Obtainable[], unit: string, width: number): { svg: Element; says: string } {
    const costs = items.map((i) => i.cost).filter((c) => c > 0);
    const spread = costs.length > 1 && Math.max(...costs) / Math.min(...costs) > 30 && costs.length === items.length;
    const top = Math.max(0.01, ...items.map((i) => i.bits));
    // a label each, on the side where there is room
    const far = Math.max(...items.map((i) => i.cost));
    const right = (i: Obtainable) => i.cost > far * (spread ? 0.03 : 0.5);
    const svg = chart({
        width, height: Math.min(340, Math.max(250, width * 0.45)), marginLeft: 52, marginRight: 30, marginBottom: 50, marginTop: 30,
        x: { type: spread ? "log" : "linear", label: null, domain: spread ? [Math.min(...costs) / 1.5, far * 1.5] : [0, far * 1.08 || 1] },
        y: { domain: [0, top * 1.12], label: null },
        marks: [
            gridX({ stroke: LINE }), gridY({ stroke: LINE, ticks: 5 }),
            axisX({ label: `cost${unit ? `, ${unit}` : ""}`, labelAnchor: "center", labelArrow: "none", color: SOFT, tickSize: 4, ticks: Math.floor(width / 110), tickFormat: (x: number) => number(x) }),
            axisY({ label: "bits expected", labelAnchor: "top", labelArrow: "none", color: SOFT, tickSize: 4, ticks: 5 }),
            dot(items, { x: "cost", y: "bits", r: 5.5, fill: FOR, stroke: PAPER, strokeWidth: 1.5, tip: true, title: (i) => `${i.name}\n${number(i.bits)} bits for ${number(i.cost)} ${unit}` }),
            text(items.filter((i) => !right(i)), { x: "cost", y: "bits", text: (i) => short(i.name, Math.floor(width / 20)), textAnchor: "start", dx: 10, fill: INK, stroke: PAPER, strokeWidth: 3 }),
            text(items.filter(right), { x: "cost", y: "bits", text: (i) => short(i.name, Math.floor(width / 20)), textAnchor: "end", dx: -10, fill: INK, stroke: PAPER, strokeWidth: 3 }),
        ],
    });
    const best = [...items].sort((a, b) => b.bits - a.bits)[0];
    const says = best ? `${items.length} exhibits. Most is expected of ${best.name}: ${number(best.bits)} bits for ${number(best.cost)} ${unit}.` : "Nothing is listed.";
    return { svg, says };
}
