// SPDX-License-Identifier: Apache-2.0
// sensitivity: what becomes of the lead without each thing that it rests on; what would overturn
// it; and what to look for next. The report's own until a reader changes something.
import { bars_chart } from "../charts/bars";
import { next_chart } from "../charts/next";
import { fill, h } from "../dom";
import { figure, type Drawing } from "../figure";
import type { Hangs } from "../hangs";
import { fixed, number, percent } from "../number";
import type { Combination } from "../report";
import type { Table } from "../table";
import { words_of_ratio } from "../words";
import { name_of } from "./combined";
import { folding } from "./result";

type Next = Combination["next"][number];

const as_reported = (c: Combination): Hangs => ({ ...c, of: c.left_out_total });
const label = (l: Hangs["left_out"][number]) => `${l.kind} ${l.id}`;

function left_out_figure(c: Combination, now: Hangs, file: string, anew: boolean): HTMLElement | null {
    if (!now.left_out.length) return null;
    const leader = name_of(c, now.leading), next = name_of(c, now.runner_up);
    const drawing = (shown: Hangs["left_out"]): Drawing => ({
        title: `Without one thing: log10 ratio of ${leader} over the best other`, file: `${file}-sensitivity`,
        note: [`With everything it is ${fixed(now.log10_lead)}, over ${next}. Below nought another hypothesis leads.`,
            now.of > now.left_out.length && (anew ? ` Of ${number(now.of)} things ${number(now.left_out.length)} were left out anew: those that mattered most in the report, then as many as a page has time for.`
                : ` The ${number(now.left_out.length)} largest changes of ${number(now.of)}.`)],
        legend: [["g0", "it still leads"], ["g1", "another leads"]],
        draw: (width) => bars_chart([{ label: "with everything", group: "it still leads", value: now.log10_lead, low: NaN, high: NaN },
            ...shown.map((l) => ({ label: label(l), group: l.overturns ? "another leads" : "it still leads", value: l.log10_lr, low: NaN, high: NaN }))], "log10 likelihood ratio", width, fixed),
        table: (): Table => ({
            columns: ["Without", "Which", "What it is", "log10 ratio", "Change", "In words", "Leads then"],
            rows: now.left_out.map((l) => [l.kind, l.id, l.text, l.log10_lr, l.change, words_of_ratio(l.log10_lr), name_of(c, l.leading)]),
        }),
    });
    return folding(now.left_out, "things", (shown) => figure(drawing(shown)), (f, shown) => f.redraw(drawing(shown)));
}

/** Costs of different units cannot stand on one axis; they can if the case says what its units are worth. */
function next_figures(list: Next[], file: string): HTMLElement[] {
    const in_usd = list.every((n) => n.cost === null || n.cost_usd !== null);
    const unit_of = (n: Next) => in_usd ? "USD" : n.cost_unit ?? "";
    const cost_of = (n: Next) => in_usd ? n.cost_usd : n.cost;
    const table = (): Table => ({
        columns: ["What", "Bits expected", "Cost", "Unit", "Cost in USD", "Nothing as cheap tells as much", "Chance that another hypothesis leads after it", "Instrument", "Why", "What it may show: chance, log10 ratio then"],
        rows: list.map((n) => [n.text, n.bits, n.cost, n.cost_unit, n.cost_usd, n.efficient ? "yes" : "no", n.overturn, n.instrument, n.because,
            n.outcomes.map((o) => `${o.text}: ${percent(o.probability)}, ${fixed(o.log10_lr)}`).join("; ")]),
    });
    return [...new Set(list.map(unit_of))].map((unit) => {
        const of_unit = list.filter((n) => unit_of(n) === unit);
        const costed = of_unit.filter((n) => cost_of(n) !== null);
        const drawing: Drawing = costed.length > 0 ? {
            title: `Information expected against cost${unit ? ` in ${unit}` : ""}`, file: `${file}-next`,
            note: [costed.some((n) => n.efficient) && "Full marks: nothing as cheap tells as much. ", of_unit.length > costed.length && `${of_unit.length - costed.length} have no stated cost and stand in the numbers alone.`],
            draw: (width) => next_chart(costed.map((n) => ({ name: n.text, bits: n.bits, cost: cost_of(n)!, efficient: n.efficient })), unit, width), table,
        } : {
            title: "Information expected, cost not stated", file: `${file}-next`,
            draw: (width) => bars_chart(of_unit.map((n) => ({ label: n.text, group: null, value: n.bits, low: NaN, high: NaN })), "bits", width), table,
        };
        return figure(drawing).element;
    });
}

export interface HangsSections {
    elements: HTMLElement[];
    /** What hangs on what as the reader has it now; null: as the report has it. */
    show(now: Hangs | null): void;
}

export function hangs_sections(c: Combination, file: string): HangsSections {
    const overturn = h("div", { class: "cannot" }), without = h("div"), next = h("div");
    const changed = () => h("p", { class: "changed" }, "As you changed it.");
    const show = (now: Hangs | null) => {
        const shown = now ?? as_reported(c);
        overturn.hidden = shown.overturn.length === 0;
        fill(overturn, h("h4", { class: "small" }, "What would overturn it"), h("ul", null, shown.overturn.map((o) => h("li", null, o.text))));
        fill(without, now && changed(), left_out_figure(c, shown, file, now !== null),
            now && now.left_out.length === 0 && now.of > 0 && h("p", { class: "soft" }, `In a case of this size a page cannot try to leave out each of ${number(now.of)} things: change case.yaml and run it.`));
        fill(next, now && changed(), next_figures(shown.next, file));
    };
    show(null);
    return {
        elements: [
            h("section", { "aria-label": `Sensitivity of ${file}` }, h("h3", null, "What it hangs on"), overturn, without),
            ...(c.next.length ? [h("section", { "aria-label": `What to look for next for ${file}` }, h("h3", null, "What to look for next"), next)] : []),
        ],
        show,
    };
}
