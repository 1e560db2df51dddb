// SPDX-License-Identifier: Apache-2.0
// page: a report laid out, what follows first.
import { h } from "./dom";
import { exhibits_section } from "./parts/exhibits";
import type { Weighable } from "./parts/combined";
import { question_section } from "./parts/question";
import { count, file_name, finding_parts, type Act } from "./parts/result";
import type { Alone, Report } from "./report";

/** A finding that stands in no case. */
export function finding_page({ title, version, finding }: Alone): HTMLElement[] {
    document.title = title;
    return [
        h("header", null, h("p", { class: "brand" }, "Assay"), h("h1", null, title)),
        h("main", null, h("section", { class: "result", "aria-label": finding.method }, finding_parts(finding, file_name(finding.method), { heading: "h2" }))),
        h("footer", null, h("p", null, `Assay ${version}, ${finding.method}, seed ${finding.seed}.`)),
    ];
}

export function report_page(report: Report, act?: Act): { elements: HTMLElement[]; questions: Weighable[] } {
    document.title = report.title;
    const exhibits = new Map(report.exhibits.map((e) => [e.id, e.statement ?? e.file ?? ""]));
    const describe = (id: string) => exhibits.get(id) ?? "";
    const questions = report.questions.map((q) => question_section(q, describe, act));
    const elements = [
        h("header", null,
            h("p", { class: "brand" }, "Assay"),
            h("h1", null, report.title),
            report.summary && h("p", { class: "lead" }, report.summary),
            h("nav", { "aria-label": "Questions" }, h("ul", null,
                report.questions.map((q) => h("li", null, h("a", { href: `#question-${q.id}` }, q.text))),
                report.exhibits.length > 0 && h("li", null, h("a", { href: "#exhibits" }, count(report.exhibits.length, "exhibit")))))),
        h("main", null,
            questions.map((q) => q.element),
            report.exhibits.length > 0 && exhibits_section(report.exhibits)),
        h("footer", null,
            h("p", null, "A likelihood ratio says how many times better one hypothesis predicts the evidence than another. It is not the " +
                "probability of either, and nothing here is a verdict. Words for ratios: ENFSI (2015). Words for probabilities: ICD 203 (2015)."),
            h("p", null, `Assay ${report.version}, seed ${report.seed}. SHA-256 of case.yaml: `, h("code", null, report.case_sha256))),
    ];
    return { elements, questions: questions.flatMap((q) => (q.weighable ? [q.weighable] : [])) };
}
