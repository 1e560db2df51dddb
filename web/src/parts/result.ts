// SPDX-License-Identifier: Apache-2.0
// result: what one instrument gave on one input: what follows, what does not, its figures, the
// likelihood ratios of its hypotheses, what was stated, its limits.
import { bars_chart, groups_of, type Bar } from "../charts/bars";
import { curve_marks, curves_chart, intervals_drawn, MOST_CURVES, type Curve } from "../charts/curves";
import { heat_chart } from "../charts/heat";
import { parse_newick, tree_chart } from "../charts/tree";
import { ladder } from "../charts/ladder";
import { h, type Child } from "../dom";
import { figure } from "../figure";
import { fixed, number, percent } from "../number";
import { or_nan, type Comparison, type FigureData, type Finding, type Result } from "../report";
import { table_element, type Table } from "../table";

const SHOWN = 16; // rows of a long drawing before it is folded

const list = (items: string[]) => h("ul", null, items.map((item) => h("li", null, item)));

/** A figure of `all` things, of which the first few are drawn until somebody asks for more. */
export function folding<T>(all: T[], what: string, make: (shown: T[]) => ReturnType<typeof figure>, again: (f: ReturnType<typeof figure>, shown: T[]) => void): HTMLElement {
    let shown = Math.min(SHOWN, all.length);
    const f = make(all.slice(0, shown));
    if (all.length <= SHOWN) return f.element;
    const more = h("button", { type: "button", class: "more", onclick: () => {
        shown = shown < all.length && shown < 60 ? Math.min(60, all.length) : SHOWN;
        again(f, all.slice(0, shown));
        say();
    } });
    const say = () => { more.textContent = shown > SHOWN || all.length <= SHOWN ? `Show the first ${SHOWN}` : all.length > 60 ? `Show 60 of ${all.length} ${what}` : `Show all ${all.length} ${what}`; };
    say();
    f.element.append(more);
    return f.element;
}

const MOST_CELLS = 128; // on a side that are drawn: 16,384 marks, and a few pixels each

/** Labels as keys of an axis: one that comes again gets its place. */
const distinct = (labels: string[]): string[] => {
    const seen = new Set<string>();
    return labels.map((label, i) => {
        const key = seen.has(label) ? `${label} (${i + 1})` : label;
        seen.add(key);
        return key;
    });
};

function grid_figure(data: Extract<FigureData, { grid: unknown }>, file: string): HTMLElement {
    const { row_axis, column_axis, values } = data.grid;
    const rows = distinct(data.grid.rows), columns = distinct(data.grid.columns);
    const cells = rows.slice(0, MOST_CELLS).flatMap((row, i) => columns.slice(0, MOST_CELLS).map((column, k) => ({ row, column, value: or_nan(values[i]?.[k]) })));
    const part = rows.length > MOST_CELLS || columns.length > MOST_CELLS;
    return figure({
        title: data.title, file: `${file}-${data.id}`,
        note: `Down: ${row_axis}. Across: ${column_axis}. In ${data.unit || "numbers"}; the fuller the colour, the more.` +
            (part ? ` The first ${MOST_CELLS} of each are drawn; the table has all.` : ""),
        draw: (width) => heat_chart(cells, width, { diverging: false, unit: data.unit, square: true }),
        table: () => ({ columns: [row_axis, ...columns], rows: rows.map((row, i) => [row, ...columns.map((_, k) => values[i]?.[k])]) }),
    }).element;
}

function curves_figure(data: Extract<FigureData, { curves: unknown }>, file: string): HTMLElement {
    const { x_axis, y_axis, x_scale, level, series } = data.curves;
    const curves: Curve[] = series.map((s) => ({ ...s, points: s.points.map((p) => ({ x: p.x, y: or_nan(p.y), low: or_nan(p.low), high: or_nan(p.high) })) }));
    const marks = curve_marks(curves);
    return figure({
        title: data.title, file: `${file}-${data.id}`,
        note: [level !== null && `${{ bands: "Bands", whiskers: "Whiskers", not: "In the table" }[intervals_drawn(curves)]}: ${percent(level)} intervals. `, curves.length > MOST_CURVES && `The first ${MOST_CURVES} curves of ${curves.length} are drawn; the table has all.`],
        legend: curves.slice(0, MOST_CURVES).map((c, i): [string, string] => [marks[i]!, c.name]),
        draw: (width) => curves_chart(curves, { x: x_axis, y: y_axis, logarithmic: x_scale === "log", level: or_nan(level) }, width),
        table: () => ({ columns: ["Curve", x_axis, data.unit ? `${y_axis}, ${data.unit}` : y_axis, "Low", "High"],
            rows: series.flatMap((s) => s.points.map((p) => [s.name, p.x, p.y, p.low, p.high])) }),
    }).element;
}

function tree_figure(data: Extract<FigureData, { newick: unknown }>, file: string): HTMLElement {
    const nodes = parse_newick(data.newick);
    if (!nodes) return h("p", null, `${data.title}: what the report has is no tree in Newick form.`);
    return figure({
        title: data.title, file: `${file}-${data.id}`,
        note: "It has no root, and branches are not to scale: lengths are in the table. Numbers at branches: support in percent.",
        draw: (width) => tree_chart(nodes, width),
        table: () => ({ columns: ["Node", "Joined to", "Length", "Support, %", "Name"],
            rows: nodes.map((n, i) => [i, n.parent < 0 ? null : n.parent, Number.isFinite(n.length) ? n.length : null, n.leaf || !n.name ? null : Number(n.name), n.leaf ? n.name : null]) }),
    }).element;
}

function bars_figure(data: Extract<FigureData, { bars: unknown }>, ties: Set<string>, file: string): HTMLElement {
    const bars: Bar[] = data.bars.map((b) => ({ ...b, value: or_nan(b.value), low: or_nan(b.low), high: or_nan(b.high), tied: ties.has(b.label) }))
        .filter((b) => Number.isFinite(b.value));
    const groups = groups_of(bars);
    const drawing = (shown: Bar[]) => ({
        title: data.title, file: `${file}-${data.id}`,
        note: shown.some((b) => b.low < b.high) && !/interval/.test(data.title) && "Whiskers: 80% intervals.",
        legend: groups.map((g, i): [string, string] => [`g${i % 6}`, g]),
        draw: (width: number) => bars_chart(shown, data.unit, width),
        table: (): Table => ({ columns: ["What", "Group", data.unit || "Value", "Low", "High"], rows: data.bars.map((b) => [b.label, b.group, b.value, b.low, b.high]) }),
    });
    // the groups' colours must not change with how many bars are shown
    const ordered = bars;
    return folding(ordered, "bars", (shown) => figure(drawing(shown)), (f, shown) => f.redraw(drawing(shown)));
}

export function comparisons_table(comparisons: Comparison[]): Table {
    const with_posterior = comparisons.some((c) => c.posterior !== null);
    return {
        columns: ["Hypothesis", "log10 LR", "Low", "High", "In words", ...(with_posterior ? ["Posterior", "In words"] : []), "Note"],
        rows: comparisons.map((c) => [
            c.hypothesis, c.log10_lr?.median, c.log10_lr?.low, c.log10_lr?.high,
            c.reference ? "the reference" : c.tied ? `${c.words}; cannot be told apart` : c.words,
            ...(with_posterior ? [c.posterior, c.posterior_words] : []), c.note,
        ]),
    };
}

function comparisons_figure(result: Result, file: string): HTMLElement | null {
    const reference = result.reference;
    const others = result.comparisons.filter((c) => c.weighed && !c.reference && c.log10_lr?.median != null);
    if (!reference || !others.length) return null;
    const drawing = (shown: Comparison[]) => ({
        title: `What the evidence of ${result.instrument} says of each hypothesis against ${reference}`,
        file: `${file}-ratios`,
        note: result.reference_is_best ? "No stated hypothesis could be weighed: the best stands in as the reference." : null,
        draw: (width: number) => ladder(shown.map((c) => ({
            label: c.hypothesis, low: or_nan(c.log10_lr!.low), median: or_nan(c.log10_lr!.median), high: or_nan(c.log10_lr!.high),
        })), width, { left: reference, right: "the other" }),
        table: () => comparisons_table(result.comparisons),
    });
    return folding(others, "hypotheses", (shown) => figure(drawing(shown)), (f, shown) => f.redraw(drawing(shown)));
}

/** What a finding says by itself: in words, figures, numbers, limits. `between`: of what stands around it. */
export function finding_parts(finding: Finding, file: string, between: { ratios?: HTMLElement | null; stated?: HTMLElement | false; heading?: "h2" | "h5" | "p" } = {}): Child[] {
    const heading = (words: string) => h(between.heading ?? "h5", { class: "small" }, words);
    const tied = new Set(finding.ties.flatMap((t) => [t.a, t.b]));
    const quantities: Table = {
        columns: ["Quantity", "Median", "Low", "High", "Interval", "Unit"],
        rows: finding.quantities.map((q) => [q.name, q.value.median, q.value.low, q.value.high, q.value.low === q.value.high ? "" : percent(q.value.level ?? 0.8), q.unit]),
    };
    return [
        finding.answers.length > 0 && h("div", { class: "can" }, heading("What follows"), list(finding.answers)),
        finding.cannot_tell.length > 0 && h("div", { class: "cannot" }, heading("What does not"), list(finding.cannot_tell)),
        between.ratios,
        finding.figures.map((f) => "curves" in f ? curves_figure(f, file) : "grid" in f ? grid_figure(f, file) : "newick" in f ? tree_figure(f, file) : bars_figure(f, tied, file)),
        finding.quantities.length > 0 && fold("Quantities, with their intervals", () => table_element(quantities, "Quantities")),
        between.stated,
        finding.ties.length > 0 && fold("What cannot be told apart", () => table_element({
            columns: ["This", "And this", "log10 ratio"],
            rows: finding.ties.map((t) => [t.a, t.b, fixed(t.log10_likelihood_ratio)]),
        }, "What cannot be told apart")),
        fold("Limits of the method, files and seed", () => [
            list(finding.limits),
            h("p", { class: "soft" }, `${finding.method}, version ${finding.method_version}, seed ${finding.seed}. `),
            finding.exhibits.length > 0 && table_element({ columns: ["File", "SHA-256"], rows: finding.exhibits.map((e) => [e.path, e.sha256]) }, "Files read"),
        ]),
    ];
}

export const file_name = (text: string): string => text.replace(/[^\w.-]+/g, "-");

/** The id of the element of what an instrument gave. */
export const result_id = (question: string, finding: string): string => `result-${question}-${finding}`;

/** `act`: what a reader can do with it, where the page can do anything. */
export type Act = (question: string, finding: string) => HTMLElement;

export function result_section(result: Result, question: string, act?: Act): HTMLElement {
    const file = file_name(`${question}-${result.instrument}`);
    return h("section", { class: "result", id: result_id(question, result.id), tabindex: act ? -1 : null, "aria-label": `${result.instrument} on ${result.input} for ${question}` },
        h("h4", null, h("code", null, result.instrument), " on ", h("code", null, result.input)),
        act?.(question, result.id),
        finding_parts(result.finding, file, {
            ratios: comparisons_figure(result, file),
            stated: result.stated.length > 0 && fold("What was stated, with sources", () => table_element({
                columns: ["What", "Value", "Source", "Date", "Where"],
                rows: result.stated.map((s) => [s.name, s.value, s.source, s.date, `${s.file}:${s.line}`]),
            }, "What was stated")),
        }));
}

/** Folded away until asked for; made only then. Opened for paper. */
export function fold(title: string, make: () => Parameters<typeof h>[2]): HTMLElement {
    const details = h("details", { class: "fold" }, h("summary", null, title));
    let made = false;
    details.addEventListener("toggle", () => {
        if (!details.open || made) return;
        made = true;
        details.append(h("div", null, make()));
    });
    return details;
}

export const count = (n: number, one: string, many = `${one}s`): string => `${number(n)} ${n === 1 ? one : many}`;
