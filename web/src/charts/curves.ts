// SPDX-License-Identifier: Apache-2.0
// curves: several curves over one axis, each point with its interval: as a band behind a few
// curves, as whiskers where bands would hide one another. Each curve has a colour and a symbol of
// its own; what the others are to be read against is dashed.
import { areaY, axisX, axisY, dot, gridY, line, link, text } from "@observablehq/plot";
import { number } from "../number";
import { chart, group_colour, LINE, PAPER, short, SOFT } from "./common";

export interface CurvePoint {
    x: number;
    y: number;
    low: number;
    high: number;
}
export interface Curve {
    name: string;
    reference: boolean;
    points: CurvePoint[]; // y not finite: a gap
}
export interface CurveAxes {
    x: string;
    y: string;
    logarithmic: boolean;
    level: number; // of the intervals
}

export const MOST_CURVES = 12; // that are drawn
const MOST_BANDS = 3, MOST_LONG_BANDS = 4, MOST_MARKED = 24; // points of a curve that are marked one by one
const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "cross"] as const;
const has_interval = (p: CurvePoint) => Number.isFinite(p.low) && Number.isFinite(p.high) && p.low < p.high;

/** Whose colours: references are grey, the others have the palette in their order. */
export function curve_colours(curves: Curve[]): string[] {
    let at = 0;
    return curves.map((c) => (c.reference ? SOFT : group_colour(at++)));
}

/** Marks of a legend, in the order of the curves: a class for the swatch. Beyond six colours come dots. */
export function curve_marks(curves: Curve[]): string[] {
    let at = 0;
    return curves.map((c) => (c.reference ? "dashed" : `g${at % 6}${at++ < 6 ? "" : " dotted"}`));
}

/** A number at an axis, large ones in words. */
function axis_number(x: number): string {
    const [unit, word] = Math.abs(x) >= 1e9 ? [1e9, " billion"] : Math.abs(x) >= 1e6 ? [1e6, " million"] : [1, ""];
    return number(x / unit) + word;
}

/** 1, 2 and 5 of each power of ten between two numbers above 0. */
function decades(least: number, most: number): number[] {
    const list: number[] = [];
    for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most); power++)
        list.push(...[1, 2, 3, 4, 5, 7].map((x) => x * 10 ** power).filter((x) => x >= least && x <= most));
    return list;
}

/** Where an axis is marked: at the points themselves if they are few; none closer than its words are wide. */
function ticks_of(xs: number[], logarithmic: boolean, width: number): number[] | number {
    const distinct = [...new Set(xs)].sort((a, b) => a - b), least = distinct[0]!, most = distinct[distinct.length - 1]!;
    if (distinct.length > 10 && !logarithmic) return Math.max(2, Math.floor(width / 90));
    const at = (x: number) => (logarithmic ? Math.log(x) : x), span = at(most) - at(least) || 1;
    const kept: { x: number; end: number }[] = [];
    for (const x of distinct.length > 10 ? decades(least, most) : distinct) {
        const middle = ((at(x) - at(least)) / span) * width, half = axis_number(x).length * 3.4 + 4;
        if (!kept.length || middle - half > kept[kept.length - 1]!.end) kept.push({ x, end: middle + half });
    }
    return kept.map((k) => k.x);
}

/** Names at the ends of curves, moved apart so that none covers another. */
function end_labels(curves: Curve[], edge: number, to_pixel: (y: number) => number, height: number): { curve: number; x: number; y: number; shift: number }[] {
    const ends = curves.map((c, curve) => ({ curve, p: c.points.filter((p) => Number.isFinite(p.y)).at(-1) })).filter((e) => e.p?.x === edge)
        .map(({ curve, p }) => ({ curve, x: p!.x, y: p!.y, at: to_pixel(p!.y) })).sort((a, b) => a.at - b.at);
    let last = -Infinity;
    const placed = ends.map((e) => ({ ...e, to: (last = Math.max(e.at, last + 13)) }));
    const over = Math.max(0, (placed.at(-1)?.to ?? 0) - height);
    return placed.map(({ curve, x, y, at, to }) => ({ curve, x, y, shift: to - over - at }));
}

/** How intervals are shown: as bands, as whiskers, or, where both would only be a blur, in the table alone. */
export function intervals_drawn(all: Curve[]): "bands" | "whiskers" | "not" {
    const having = all.slice(0, MOST_CURVES).filter((c) => !c.reference && c.points.some(has_interval));
    const long = having.some((c) => c.points.length > MOST_MARKED);
    return having.length <= (long ? MOST_LONG_BANDS : MOST_BANDS) ? "bands" : long ? "not" : "whiskers";
}

export function curves_chart(all: Curve[], axes: CurveAxes, width: number): { svg: Element; says: string } {
    const curves = all.slice(0, MOST_CURVES), colours = curve_colours(curves);
    const points = curves.flatMap((c, curve) => c.points.map((p) => ({ ...p, curve })));
    const known = points.filter((p) => Number.isFinite(p.y));
    if (!known.length) return { svg: chart({ width, height: 40, marks: [text(["nothing is known"], { frameAnchor: "middle", fill: SOFT })] }), says: "No points." };
    const ys = known.flatMap((p) => [p.y, ...(has_interval(p) ? [p.low, p.high] : [])]);
    const share = ys.every((y) => y >= 0 && y <= 1);
    const floor = share ? 0 : Math.min(...ys), roof = share ? 1 : Math.max(...ys);
    const domain: [number, number] = floor === roof ? [floor - 1, roof + 1] : [floor, roof];
    const xs = known.map((p) => p.x);
    const labelled = width > 560 && curves.length <= 6 && curves.every((c) => c.points.at(-1)?.x === Math.max(...xs));
    const longest = Math.max(...curves.map((c) => c.name.length)), letters = Math.min(longest, 26);
    const room = labelled ? 16 + letters * 6.6 : 16;
    const height = Math.min(360, Math.max(260, width * 0.5)), top = 30, bottom = 52;
    const to_pixel = (y: number) => (1 - (y - domain[0]) / (domain[1] - domain[0])) * (height - top - bottom);
    const bands = intervals_drawn(curves) === "bands";
    const colour = (p: { curve: number }) => colours[p.curve]!;
    // steps and long curves are lines alone, and so is what others are to be read against
    const marks = curves.map((c) => !c.reference && c.points.length <= MOST_MARKED && new Set(c.points.map((p) => p.x)).size === c.points.length);
    const whiskers = known.filter((p) => has_interval(p) && (bands ? curves[p.curve]!.points.length === 1 : marks[p.curve]));
    const marked = known.filter((p) => marks[p.curve]);
    const words = (p: (typeof known)[number]) => `${curves[p.curve]!.name}\n${axes.x}: ${number(p.x)}\n${axes.y}: ${number(p.y)}` +
        (has_interval(p) ? ` (${number(p.low)} to ${number(p.high)})` : "");
    const dotted = curve_marks(curves).map((mark) => mark.endsWith(" dotted"));
    const svg = chart({
        width, height, marginLeft: 52, marginRight: room, marginTop: top, marginBottom: bottom,
        x: { type: axes.logarithmic ? "log" : "linear", domain: [Math.min(...xs), Math.max(...xs)], label: null, inset: 8 },
        y: { domain, nice: !share, label: null }, symbol: { range: [...SYMBOLS], domain: SYMBOLS.map((_, i) => i) },
        marks: [
            gridY({ stroke: LINE, ticks: 5 }),
            !share && floor < 0 && roof > 0 && link([0], { x1: Math.min(...xs), x2: Math.max(...xs), y1: 0, y2: 0, stroke: SOFT }),
            axisX({ ticks: ticks_of(xs, axes.logarithmic, width - 68 - room), tickFormat: axis_number, color: SOFT, tickSize: 4,
                label: short(axes.x, Math.floor(width / 7)), labelAnchor: "center", labelArrow: "none" }),
            axisY({ ticks: 5, color: SOFT, tickSize: 4, label: short(axes.y, Math.floor(width / 7)), labelAnchor: "top", labelArrow: "none" }),
            bands && areaY(points.filter(has_interval), { x: "x", y1: "low", y2: "high", z: "curve", fill: colour, fillOpacity: 0.14 }),
            link(whiskers, { x1: "x", x2: "x", y1: "low", y2: "high", stroke: colour, strokeOpacity: 0.55, strokeWidth: 1.4 }),
            line(points.filter((p) => curves[p.curve]!.reference), { x: "x", y: "y", z: "curve", stroke: colour, strokeWidth: 1.5, strokeDasharray: "5,4" }),
            line(points.filter((p) => !dotted[p.curve] && !curves[p.curve]!.reference), { x: "x", y: "y", z: "curve", stroke: colour, strokeWidth: 2.2 }),
            line(points.filter((p) => dotted[p.curve]), { x: "x", y: "y", z: "curve", stroke: colour, strokeWidth: 2.2, strokeDasharray: "1.5,3.5", strokeLinecap: "round" }),
            dot(marked, { x: "x", y: "y", r: 4, symbol: (p: { curve: number }) => p.curve % SYMBOLS.length, fill: colour, stroke: PAPER, strokeWidth: 1 }),
            dot(known, { x: "x", y: "y", r: 6, fill: "none", stroke: "none", title: words, tip: true }),
            labelled && end_labels(curves, Math.max(...xs), to_pixel, height - top - bottom).map((e) =>
                text([e], { x: "x", y: "y", text: () => short(curves[e.curve]!.name, letters), textAnchor: "start", dx: 16, dy: e.shift, fill: colours[e.curve]!, fontWeight: "600", fontSize: 11.5 })),
        ].filter((m) => m !== false),
        color: { type: "identity" },
    });
    const says = `${all.length} curves over ${axes.x}, of ${axes.y}. ` + curves.map((c) => {
        const kept = c.points.filter((p) => Number.isFinite(p.y)), first = kept[0], last = kept.at(-1);
        return first ? `${c.name}: ${number(first.y)} at ${number(first.x)}${last !== first ? `, ${number(last!.y)} at ${number(last!.x)}` : ""}.` : `${c.name}: not known.`;
    }).join(" ");
    return { svg, says };
}
