// SPDX-License-Identifier: Apache-2.0
// lines: a value against a number, one line a series, with bands (power curves).
import { areaY, axisX, axisY, dot, gridY, line, text, selectLast } from "@observablehq/plot";
import { number } from "../number";
import { chart, group_colour, LINE, PAPER, short, SOFT } from "./common";

export interface LinePoint {
    series: string;
    x: number;
    y: number;
    low: number;
    high: number;
}

export function lines_chart(points: LinePoint[], width: number, labels: { x: string; y: string }): { svg: Element; says: string } {
    const series = [...new Set(points.map((p) => p.series))];
    const colour = (p: LinePoint) => group_colour(series.indexOf(p.series));
    const narrow = width < 480;
    const top = Math.max(...points.map((p) => Math.max(p.y, Number.isFinite(p.high) ? p.high : 0)));
    const svg = chart({
        width, height: Math.min(360, Math.max(260, width * 0.5)), marginLeft: 52, marginRight: narrow ? 14 : 150, marginBottom: 50, marginTop: 30,
        x: { label: null }, y: { domain: [Math.min(0, ...points.map((p) => p.y)), top > 0.5 && top <= 1 ? 1 : top], label: null },
        marks: [
            gridY({ stroke: LINE }),
            axisX({ label: labels.x, labelAnchor: "center", labelArrow: "none", color: SOFT, tickSize: 4, ticks: narrow ? 4 : 7 }),
            axisY({ label: labels.y, labelAnchor: "top", labelArrow: "none", color: SOFT, tickSize: 4, ticks: 5 }),
            areaY(points, { x: "x", y1: "low", y2: "high", z: "series", fill: colour, fillOpacity: 0.14 }),
            line(points, { x: "x", y: "y", z: "series", stroke: colour, strokeWidth: 2.2 }),
            dot(points, { x: "x", y: "y", fill: colour, r: 4, stroke: PAPER, tip: true, title: (p) => `${p.series}\n${labels.x} ${number(p.x)}: ${number(p.y)} (${number(p.low)} to ${number(p.high)})` }),
            !narrow && text(points, selectLast({ x: "x", y: "y", z: "series", text: (p: LinePoint) => short(p.series, 22), textAnchor: "start", dx: 9, fill: colour })),
        ].filter((m) => m !== false),
    });
    const says = series.map((s) => {
        const last = points.filter((p) => p.series === s).at(-1)!;
        return `${s}: ${number(last.y)} at ${number(last.x)}.`;
    }).join(" ");
    return { svg, says };
}
