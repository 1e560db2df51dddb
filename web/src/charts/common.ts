// SPDX-License-Identifier: Apache-2.0
// common: what the charts share. Colours are the page's variables, so that light and dark follow
// the style; the palette is told apart by people with any colour vision (Okabe and Ito, 2008).
import { plot, type PlotOptions } from "@observablehq/plot";

export const INK = "var(--ink)", SOFT = "var(--soft)", LINE = "var(--line)", PAPER = "var(--paper)";
export const FOR = "var(--for)", AGAINST = "var(--against)", NEITHER = "var(--neither)";
const GROUPS = ["var(--g0)", "var(--g1)", "var(--g2)", "var(--g3)", "var(--g4)", "var(--g5)"];
export const group_colour = (i: number): string => GROUPS[i % GROUPS.length]!;

/** A chart in the page's style; a title made by Plot is left to the figure. */
export function chart(options: PlotOptions): Element {
    return plot({
        style: { background: "none", color: INK, fontFamily: "inherit", fontSize: "12px", overflow: "visible" },
        ...options,
    });
}

/** At most `most` characters, the middle left out. */
export function short(text: string, most: number): string {
    if (text.length <= most) return text;
    const head = Math.ceil((most - 1) * 0.65);
    return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

/** Room on the left for labels, and the labels cut to it. */
export function label_room(labels: string[], width: number): { left: number; most: number } {
    const longest = Math.max(0, ...labels.map((label) => label.length));
    const left = Math.min(Math.max(60, longest * 7.1 + 16), width * 0.42);
    return { left, most: Math.max(6, Math.floor((left - 15) / 7.1)) };
}
