// SPDX-License-Identifier: Apache-2.0
// combined: all findings of a question together, and what becomes of them when a reader changes a
// prior, a finding, an exhibit, a source or a dependence.
import { bars_chart } from "../charts/bars";
import { curve_chart, type Point } from "../charts/curve";
import { heat_chart } from "../charts/heat";
import { ladder, type Rung } from "../charts/ladder";
import { fill, h, once_a_frame, once_quiet } from "../dom";
import { figure, type Drawing } from "../figure";
import { number, percent, ratio } from "../number";
import type { Combination, Question } from "../report";
import { restore, save, type Saved } from "../saved";
import type { Table } from "../table";
import { View, type Range } from "../view";
import { words_of_probability, words_of_ratio } from "../words";
import { changes_in_words, controls } from "./controls";

const SHOWN = 14;

export const name_of = (c: Combination, i: number): string => c.hypotheses[i]!.text ?? c.hypotheses[i]!.id;

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const three = (x: Range): [number, number, number] => [x.median, x.low, x.high];

/** A question that a reader can change, and what was changed kept and brought back. */
export interface Weighable {
    id: string;
    save(): Saved;
    restore(saved: Saved): number;
}

export function combined_section(question: Question, c: Combination, describe: (exhibit: string) => string, settled: (view: View) => void): { element: HTMLElement; weighable: Weighable } {
    const view = new View(c);
    const file = question.id;
    const order = [...c.hypotheses.keys()].sort((a, b) => c.hypotheses[a]!.rank - c.hypotheses[b]!.rank);
    const reference = view.reference;
    // the hypothesis that pair-wise figures are of: the best that is not the reference
    let about = order.find((i) => i !== reference) ?? 0;
    const names = (i: number) => name_of(c, i);

    // ---- what follows, in words
    const headline = h("div", { class: "headline", role: "status" });
    const say = () => {
        const { leading, next, log10 } = view.lead();
        const changed = changes_in_words(c, view);
        const words = words_of_ratio(log10), range = view.between(leading, next);
        const within = Number.isFinite(range.low) && range.low < range.high ? ` (80% interval ${ratio(range.low)} to ${ratio(range.high)})` : "";
        // everybody's who states priors, the one that the page goes by first
        const holders = [{ who: view.holder, priors: view.priors }, ...c.posteriors.filter((p) => p.held_by !== view.holder)
            .map((p) => ({ who: p.held_by, priors: p.rows.map((row) => row.prior ?? 0) }))];
        fill(headline,
            changed.length > 0 && h("p", { class: "changed" }, h("strong", null, "As you changed it: "), `${changed.join("; ")}.`),
            view.failed && h("p", null, "These findings share too many causes to be weighed anew in a page; the numbers are the report's."),
            words === "no support"
                ? h("p", { class: "result-line" }, "All findings together do not tell the two best apart: ", h("strong", null, names(leading)), " and ", h("strong", null, names(next)),
                    `: likelihood ratio ${number(10 ** log10)}${within}.`)
                : h("p", { class: "result-line" }, "All findings together are ", h("strong", null, `${ratio(log10)} times`), `${within} as probable under `,
                    h("strong", null, names(leading)), " as under ", h("strong", null, names(next)), ", the next best: ", h("strong", null, words), "."),
            leading !== reference && next !== reference && h("p", null, "Against ", h("strong", null, names(reference)), c.reference_is_best ? "" : ", as stated", `: ${ratio(view.ratio(leading).median)} times, `,
                words_of_ratio(view.ratio(leading).median), "."),
            view.has_priors && holders.map(({ who, priors }) => {
                const p = view.posteriors(who, priors);
                const top = p.reduce((best, x, i) => (x.median > p[best]!.median ? i : best), 0), { low, median, high } = p[top]!;
                return h("p", null, `For the priors of ${who || "your choice"}: `, h("strong", null, names(top)), ` ${percent(median)}`,
                    low < high && ` (80% interval ${percent(low)} to ${percent(high)})`, ", ", h("em", null, words_of_probability(median)), ".");
            }));
    };

    // ---- figures
    const hypotheses_drawing = (): Drawing => {
        const others = order.filter((i) => i !== reference);
        const rungs = others.slice(0, SHOWN).map((i): Rung => ({ label: names(i), ...view.ratio(i) }));
        return {
            title: `Each hypothesis against ${names(reference)}, all findings together`, file: `${file}-hypotheses`,
            note: ["80% intervals. ", c.reference_is_best && "No hypothesis is stated: the best is the reference. ", others.length > SHOWN && `The ${SHOWN} best of ${others.length}.`],
            draw: (width) => ladder(rungs, width, { left: names(reference), right: "the other" }),
            table: (): Table => ({
                columns: ["Hypothesis", "log10 LR", "Low", "High", "In words", "log10 LR against all others", "Low", "High"],
                rows: order.map((i) => [names(i), ...three(view.ratio(i)), i === reference ? "the reference" : words_of_ratio(view.ratio(i).median), ...three(view.ratio_others(i))]),
            }),
        };
    };
    const findings_drawing = (): Drawing => {
        const all = [...c.findings.keys()].map((f) => ({ f, ...view.finding_ratio(f, about, reference) })).sort((a, b) => Math.abs(b.median) - Math.abs(a.median));
        const rungs: Rung[] = all.slice(0, SHOWN).map((x) => ({ label: `${c.findings[x.f]!.id}${view.left_out(x.f) ? " (left out)" : ""}`, low: x.low, median: x.median, high: x.high }));
        rungs.push({ label: "all together", ...view.ratio(about), strong: true });
        return {
            title: `What each finding says of ${names(about)} against ${names(reference)}`, file: `${file}-findings`,
            note: ["Each by itself, discounted for its sources, with 80% intervals. ", all.length > SHOWN && `The ${SHOWN} that say most of ${all.length}. `, "Findings that share a cause count less together than their dots suggest."],
            draw: (width) => ladder(rungs, width, { left: names(reference), right: names(about) }),
            table: (): Table => ({
                columns: ["Finding", "What was observed", "log10 LR", "Low", "High", "In words", "Weight in its group", "Bits", "Rests on", "Why these numbers"],
                rows: all.map((x) => {
                    const f = c.findings[x.f]!;
                    return [f.id, f.text, x.median, x.low, x.high, words_of_ratio(x.median), f.weight, f.bits, f.exhibits.join(" "), f.because];
                }),
            }),
        };
    };
    const posterior_drawing = (): Drawing => {
        const p = view.has_priors ? view.posteriors() : c.hypotheses.map(() => ({ low: NaN, median: NaN, high: NaN }));
        const shown = [...order].sort((a, b) => p[b]!.median - p[a]!.median).slice(0, SHOWN).filter((i) => view.priors[i]! > 0);
        return {
            title: `Posterior probabilities for the priors of ${view.holder || "your choice"}`, file: `${file}-posteriors`,
            note: [c.posteriors.find((x) => x.held_by === view.holder)?.reason, p.some((x) => x.low < x.high) && " Whiskers: 80% intervals."],
            draw: (width) => bars_chart(shown.map((i) => ({ label: names(i), group: null, value: p[i]!.median, low: p[i]!.low, high: p[i]!.high })), "", width, percent),
            table: (): Table => ({
                columns: ["Hypothesis", "Prior", "Posterior", "Low", "High", "In words"],
                rows: order.map((i) => [names(i), view.priors[i], p[i]!.median, p[i]!.low, p[i]!.high, view.priors[i] ? words_of_probability(p[i]!.median) : "no prior"]),
            }),
        };
    };
    const curve_drawing = (): Drawing => {
        const of = view.ratio_others(about);
        const points: Point[] = Array.from({ length: 61 }, (_, i) => {
            const odds = Math.log(999) * ((2 * i) / 60 - 1);
            const at = (x: number) => logistic(odds + Math.LN10 * x);
            return { prior: logistic(odds), median: at(of.median), low: at(of.low), high: at(of.high) };
        });
        const holders = c.posteriors.map((p) => ({ who: p.held_by, priors: p.rows.map((row) => row.prior ?? 0), stated: p.rows[about]!.posterior?.median }));
        if (view.chose_priors && !holders.some((x) => x.who === view.holder)) holders.push({ who: "your choice", priors: view.priors, stated: undefined });
        const marks = holders.filter((x) => x.priors[about]! > 0).map((x) => ({ who: x.who, prior: x.priors[about]!,
            posterior: (view.changed ? null : x.stated) ?? view.posterior_of(about, x.priors) }));
        return {
            title: `${names(about)}: posterior against prior`, file: `${file}-curve`,
            note: "The line shares the rest of the prior equally among the others; a holder's mark shares it as that holder does, and so may stand off the line. The band is the 80% interval of the likelihoods.",
            draw: (width) => curve_chart(points, marks, names(about), width),
            table: (): Table => ({
                columns: ["Prior", "Posterior", "Low", "High", "In words"],
                rows: [...points.map((p) => [p.prior, p.median, p.low, p.high, words_of_probability(p.median)]),
                    ...marks.map((m) => [m.prior, m.posterior, null, null, `${m.who}: ${words_of_probability(m.posterior)}`])],
            }),
        };
    };
    const matrix_drawing = (): Drawing => {
        const columns = order.slice(0, 8);
        if (!columns.includes(reference)) columns[7] = reference;
        const rows = [...c.findings.keys()].sort((a, b) => c.findings[b]!.bits - c.findings[a]!.bits);
        const value = (f: number, i: number) => (i === reference ? 0 : view.finding_ratio(f, i, reference).median);
        const cells = rows.slice(0, 24).flatMap((f) => columns.map((i) => ({ row: c.findings[f]!.id, column: names(i), value: value(f, i) })));
        return {
            title: `Which finding tells which hypotheses apart`, file: `${file}-matrix`,
            note: [`log10 likelihood ratio of each hypothesis against ${names(reference)}, each finding by itself. A row of one colour tells nothing apart. `,
                rows.length > 24 && `The 24 that tell most of ${rows.length}.`],
            legend: [["for", "favours the column's hypothesis"], ["against", `favours ${names(reference)}`]],
            draw: (width) => heat_chart(cells, width, { diverging: true, unit: "log10 LR" }),
            table: (): Table => ({ columns: ["Finding", ...columns.map(names)], rows: rows.map((f) => [c.findings[f]!.id, ...columns.map((i) => value(f, i))]) }),
        };
    };

    const figures = {
        hypotheses: figure(hypotheses_drawing()), findings: figure(findings_drawing()),
        posterior: figure(posterior_drawing()), curve: figure(curve_drawing()), matrix: figure(matrix_drawing()),
    };
    const show_posterior = () => { figures.posterior.element.hidden = !view.has_priors; };
    show_posterior();
    // what takes longer than a frame waits until the reader has let go
    const settle = once_quiet(150, () => settled(view));
    const redraw_prior = once_a_frame(() => {
        settle();
        say();
        show_posterior();
        figures.posterior.redraw(posterior_drawing());
        figures.curve.redraw(curve_drawing());
    });
    const redraw_pair = () => {
        figures.findings.redraw(findings_drawing());
        figures.curve.redraw(curve_drawing());
    };
    const redraw = once_a_frame(() => {
        settle();
        view.weigh();
        say();
        show_posterior();
        figures.hypotheses.redraw(hypotheses_drawing());
        figures.posterior.redraw(posterior_drawing());
        figures.matrix.redraw(matrix_drawing());
        redraw_pair();
    });
    const panel = controls(view, describe, redraw, redraw_prior);
    const select = h("select", { "aria-label": "Which hypothesis the next figures are about", onchange: () => { about = Number(select.value); redraw_pair(); } },
        order.slice(0, 200).map((i) => h("option", { value: i }, names(i))));
    select.value = String(about);
    say();
    const weighable: Weighable = {
        id: question.id,
        save: () => save(view),
        restore: (saved) => {
            const lost = restore(view, saved);
            panel.show();
            redraw();
            return lost;
        },
    };
    const element = h("div", { class: "combined" },
        headline,
        h("p", { class: "confidence" }, h("strong", null, "Confidence"), ": the evidence allows at most ", h("strong", null, c.confidence), ". ", c.confidence_reasons.join(" "),
            question.confidence && [" The author's own: ", h("strong", null, question.confidence), `. ${question.confidence_reason ?? ""}`]),
        figures.hypotheses.element,
        h("details", { class: "reweigh" }, h("summary", null, "Change what it rests on: priors, findings, exhibits, sources, dependence"), panel.element),
        figures.posterior.element,
        h("p", { class: "about" }, "The next two figures are about ", select),
        figures.findings.element,
        figures.curve.element,
        figures.matrix.element);
    return { element, weighable };
}
