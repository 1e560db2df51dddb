// SPDX-License-Identifier: Apache-2.0
// bars: horizontal bars in the order given, with whiskers, and brackets around what cannot be told
// apart.
import { axisX, axisY, barX, link, ruleX, text } from "@observablehq/plot";
import { number } from "../number";
import { chart, group_colour, INK, label_room, short, SOFT } from "./common";

export interface Bar {
    label: string;
    group: string | null;
    value: number;
    low: number;
    high: number;
    tied?: boolean; // bracketed: these cannot be told apart
}

export const groups_of = (bars: Bar[]): string[] => [...new Set(bars.map((b) => b.group).filter((g): g is string => !!g))];

export function bars_chart(bars: Bar[], unit: string, width: number, show?: (x: number) => string): { svg: Element; says: string } {
    const say = show ?? number;
    const groups = groups_of(bars);
    const { left, most } = label_room(bars.map((b) => b.label), width);
    const keys = bars.map((_, i) => i);
    const lows = bars.map((b) => Math.min(0, b.value, Number.isFinite(b.low) ? b.low : 0));
    const highs = bars.map((b) => Math.max(0, b.value, Number.isFinite(b.high) ? b.high : 0));
    const whiskers = bars.map((b, i) => ({ ...b, i })).filter((b) => Number.isFinite(b.low) && Number.isFinite(b.high) && b.low !== b.high);
    const tied = keys.filter((i) => bars[i]!.tied);
    const brackets = tied.length > 1;
    const floor = Math.min(0, ...lows), roof = Math.max(0, ...highs);
    const svg = chart({
        width, height: 52 + bars.length * 24, marginLeft: left, marginRight: brackets ? 96 : 64, marginTop: 6, marginBottom: 46,
        x: { domain: floor === roof ? [0, 1] : [floor, roof], nice: true, label: null }, y: { domain: keys, label: null, padding: 0.28 },
        marks: [
            axisX({ ticks: Math.max(2, Math.floor((width - left) / 90)), tickFormat: (x: number) => say(x), color: SOFT, label: unit || null, labelAnchor: "center", labelArrow: "none", tickSize: 4 }),
            axisY({ tickSize: 0, tickFormat: (i: number) => short(bars[i]!.label, most) }),
            barX(bars, { x1: 0, x2: "value", y: (_, i) => i, fill: (b) => group_colour(Math.max(0, groups.indexOf(b.group ?? ""))), rx: 2,
                title: (b) => `${b.label}${b.group ? ` (${b.group})` : ""}\n${say(b.value)} ${unit}${b.low !== b.high && Number.isFinite(b.low) ? `, ${say(b.low)} to ${say(b.high)}` : ""}`, tip: true }),
            link(whiskers, { x1: "low", x2: "high", y1: "i", y2: "i", stroke: INK, strokeWidth: 1.6 }),
            text(bars, { x: (b) => Math.max(0, b.value, Number.isFinite(b.high) ? b.high : -Infinity), y: (_, i) => i, text: (b) => say(b.value), textAnchor: "start", dx: 6, fill: INK, fontSize: 11.5 }),
            ruleX([0], { stroke: SOFT }),
        ],
    });
    if (brackets) bracket(svg, tied, bars.length, width);
    const top = [...bars].sort((a, b) => b.value - a.value)[0];
    const says = top ? `${bars.length} bars. Greatest: ${top.label}, ${say(top.value)} ${unit}.` +
        (brackets ? ` Cannot be told apart: ${tied.map((i) => bars[i]!.label).join(", ")}.` : "") : "No bars.";
    return { svg, says };
}

// A bracket to the right of those bars, in the place that the right margin leaves.
function bracket(svg: Element, tied: number[], rows: number, width: number): void {
    const top = 6, bottom = 6 + rows * 24;
    const step = (bottom - top) / rows; // near enough to the band scale at this padding
    const x = width - 22;
    const from = top + tied[0]! * step + step * 0.25, to = top + tied[tied.length - 1]! * step + step * 0.75;
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", `M${x - 6},${from}H${x}V${to}H${x - 6}`);
    path.setAttribute("fill", "none");
    path.setAttribute("stroke", INK);
    path.setAttribute("stroke-width", "1.5");
    const words = document.createElementNS("http://www.w3.org/2000/svg", "text");
    words.textContent = "not told apart";
    words.setAttribute("transform", `translate(${x + 13},${(from + to) / 2}) rotate(-90)`);
    words.setAttribute("text-anchor", "middle");
    words.setAttribute("fill", INK);
    words.setAttribute("font-size", "11");
    if (to - from > 84) svg.append(path, words);
    else svg.append(path);
}
