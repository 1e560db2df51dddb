// SPDX-License-Identifier: Apache-2.0
// heat: cells of rows and columns by colour. Diverging around nought for likelihood ratios (the
// matrix of hypotheses and findings), sequential for what is never negative (layer by layer).
import { axisX, axisY, cell, text } from "@observablehq/plot";
import { fixed, number } from "../number";
import { chart, INK, label_room, PAPER, short } from "./common";

export interface HeatCell {
    row: string;
    column: string;
    value: number;
}

/** How full a cell's colour is, 0 to 1. */
const strength = (value: number, most: number, diverging: boolean): number => Math.min(1, Math.abs(value) / most) * (diverging ? 0.85 : 1);

/** Shares of two colours of the page, mixed by the browser, so that both themes work. */
const shade = (value: number, most: number, diverging: boolean): string =>
    `color-mix(in oklab, var(${value < 0 ? "--against" : "--for"}) ${Math.round(100 * strength(value, most, diverging))}%, var(--panel))`;

export function heat_chart(cells: HeatCell[], width: number, options: { diverging: boolean; unit: string; square?: boolean }): { svg: Element; says: string } {
    const rows = [...new Set(cells.map((c) => c.row))], columns = [...new Set(cells.map((c) => c.column))];
    const most = Math.max(1e-9, ...cells.map((c) => Math.abs(c.value)).filter(Number.isFinite));
    const cap = options.diverging ? Math.max(1, Math.min(most, 6)) : most;
    const { left, most: letters } = label_room(rows, width);
    const across = (width - left - 12) / columns.length;
    const turned = across < 58 || columns.some((c) => c.length * 6.4 > across);
    // a turned name stands out beyond its column
    const right = 12 + (turned ? Math.max(0, Math.min(26, columns.at(-1)?.length ?? 0) * 4.6 - across / 2) : 0);
    const each = (width - left - right) / columns.length;
    const longest = Math.min(26, Math.max(...columns.map((c) => c.length)));
    const head = turned ? 20 + longest * 4.7 : 30;
    const every = Math.ceil(columns.length / Math.max(1, Math.floor((width - left) / 16)));
    const height = options.square ? Math.max(6, Math.min(28, each)) : 28;
    const every_row = Math.ceil(14 / height);
    const svg = chart({
        width, height: head + rows.length * height + 12, marginLeft: left, marginTop: head, marginRight: right, marginBottom: 8,
        x: { domain: columns, label: null, padding: each > 12 ? 0.05 : 0 }, y: { domain: rows, label: null, padding: height > 12 ? 0.08 : 0 },
        marks: [
            axisX({ anchor: "top", tickSize: 0, tickRotate: turned ? -42 : 0, textAnchor: turned ? "start" : "middle", ticks: columns.filter((_, i) => i % every === 0), tickFormat: (c: string) => short(c, 26) }),
            axisY({ tickSize: 0, ticks: rows.filter((_, i) => i % every_row === 0), tickFormat: (r: string) => short(r, letters) }),
            cell(cells.filter((c) => Number.isFinite(c.value)), { x: "column", y: "row", fill: (c) => shade(c.value, cap, options.diverging), rx: each > 12 ? 2 : 0,
                title: (c) => `${c.row}\n${c.column}\n${number(c.value)} ${options.unit}`, tip: true }),
            each > 34 && height > 16 && text(cells.filter((c) => Number.isFinite(c.value)), { x: "column", y: "row", text: (c) => fixed(c.value, Math.abs(c.value) < 10 ? 1 : 0),
                fontSize: 11, fill: (c: HeatCell) => (strength(c.value, cap, options.diverging) > 0.68 ? PAPER : INK) }),
        ].filter((m) => m !== false),
    });
    const top = cells.filter((c) => Number.isFinite(c.value)).reduce<HeatCell | undefined>((best, c) => (!best || Math.abs(c.value) > Math.abs(best.value) ? c : best), undefined);
    const says = top ? `${rows.length} rows by ${columns.length} columns. Furthest from nought: ${top.row}, ${top.column}: ${number(top.value)} ${options.unit}.` : "No cells.";
    return { svg, says };
}
