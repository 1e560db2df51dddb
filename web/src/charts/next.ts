// SPDX-License-Identifier: Apache-2.0
// next: what an exhibit that could be had is expected to tell, in bits, against what it costs.
import { axisX, axisY, dot, gridX, gridY, line, text } from "@observablehq/plot";
import { number } from "../number";
import { chart, FOR, INK, LINE, PAPER, short, SOFT } from "./common";

export interface Obtainable {
    name: string;
    bits: number;
    cost: number;
    efficient: boolean; // nothing as cheap tells as much
}

interface Label { item: Obtainable; text: string; right: boolean; dy: number }

/**
 * Names beside their points: those that nothing beats first, then those that tell most, each only
 * where it covers no point and no other name. Where there is no room the table has the name.
 */
function place_labels(items: Obtainable[], at: (i: Obtainable) => [number, number], width: number, floor: number, letters: number): Label[] {
    const taken = items.map((i) => { const [x, y] = at(i); return [x - 7, x + 7, y - 7, y + 7] as const; });
    const labels: Label[] = [];
    for (const item of [...items].sort((a, b) => Number(b.efficient) - Number(a.efficient) || b.bits - a.bits)) {
        const [x, y] = at(item), text = short(item.name, letters), long = text.length * 6.3;
        for (const [right, dy] of [[true, 0], [false, 0], [true, -13], [true, 13]] as const) {
            const from = right ? x + 9 : x - 9 - long, to = from + long, middle = y + dy;
            if (from < 48 || to > width || middle > floor || taken.some(([a, b, c, d]) => from < b && to > a && middle - 7 < d && middle + 7 > c)) continue;
            taken.push([from, to, middle - 7, middle + 7]);
            labels.push({ item, text, right, dy });
            break;
        }
    }
    return labels;
}

export function next_chart(items: Obtainable[], unit: string, width: number): { svg: Element; says: string } {
    const costs = items.map((i) => i.cost).filter((c) => c > 0);
    const spread = costs.length > 1 && Math.max(...costs) / Math.min(...costs) > 30 && costs.length === items.length;
    const top = Math.max(0.01, ...items.map((i) => i.bits));
    const far = Math.max(...items.map((i) => i.cost));
    const domain: [number, number] = spread ? [Math.min(...costs) / 1.5, far * 1.5] : [0, far * 1.08 || 1];
    const height = Math.min(380, Math.max(250, width * 0.45)), left = 52, right = 30, above = 30, below = 50;
    const along = (cost: number) => (spread ? Math.log(cost / domain[0]) / Math.log(domain[1] / domain[0]) : cost / domain[1]);
    const labels = place_labels(items, (i) => [left + along(i.cost) * (width - left - right), above + (1 - i.bits / (top * 1.12)) * (height - above - below)], width, height - below - 8, Math.max(18, Math.floor(width / 20)));
    const efficient = items.filter((i) => i.efficient).sort((a, b) => a.cost - b.cost);
    const svg = chart({
        width, height, marginLeft: left, marginRight: right, marginBottom: below, marginTop: above,
        x: { type: spread ? "log" : "linear", label: null, domain },
        y: { domain: [0, top * 1.12], label: null },
        marks: [
            gridX({ stroke: LINE }), gridY({ stroke: LINE, ticks: 5 }),
            axisX({ label: `cost${unit ? `, ${unit}` : ""}`, labelAnchor: "center", labelArrow: "none", color: SOFT, tickSize: 4, ticks: Math.floor(width / 110), tickFormat: (x: number) => number(x) }),
            axisY({ label: "bits expected", labelAnchor: "top", labelArrow: "none", color: SOFT, tickSize: 4, ticks: 5 }),
            line(efficient, { x: "cost", y: "bits", stroke: FOR, strokeOpacity: 0.45, strokeWidth: 1.5 }),
            dot(items, { x: "cost", y: "bits", r: 5.5, fill: (i) => (i.efficient ? FOR : PAPER), stroke: FOR, strokeWidth: 1.8, tip: true, title: (i) => `${i.name}\n${number(i.bits)} bits for ${number(i.cost)} ${unit}` }),
            labels.map((l) => text([l], { x: (p: Label) => p.item.cost, y: (p: Label) => p.item.bits, text: "text", textAnchor: l.right ? "start" : "end", dx: l.right ? 10 : -10, dy: l.dy, fill: INK, stroke: PAPER, strokeWidth: 3 })),
        ],
    });
    const best = [...items].sort((a, b) => b.bits - a.bits)[0];
    const says = best ? `${items.length} exhibits. Most is expected of ${best.name}: ${number(best.bits)} bits for ${number(best.cost)} ${unit}.` : "Nothing is listed.";
    return { svg, says };
}
