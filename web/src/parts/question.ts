// SPDX-License-Identifier: Apache-2.0
// question: one question of a case: what the findings say together, then each instrument.
import { h } from "../dom";
import type { Question, Report } from "../report";
import { result_section } from "./result";

export function question_section(question: Question, _report: Report): HTMLElement {
    const title = `title-${question.id}`;
    return h("section", { class: "question", id: `question-${question.id}`, "aria-labelledby": title },
        h("p", { class: "kind" }, question.kind),
        h("h2", { id: title }, question.text),
        question.stated && h("p", null, "Stated: ", h("strong", null, question.stated)),
        question.confidence && h("p", null, "Confidence in the sources and the reasoning: ", h("strong", null, question.confidence), `. ${question.confidence_reason ?? ""}`),
        h("h3", null, "What each instrument gave"),
        question.results.map((r) => result_section(r, question.id)));
}
