// SPDX-License-Identifier: Apache-2.0
// question: one question of a case: what the findings say together, then each instrument.
import { h } from "../dom";
import type { Question } from "../report";
import { combined_section, type Weighable } from "./combined";
import { result_section, type Act } from "./result";
import { hangs_sections } from "./sensitivity";

export function question_section(question: Question, describe: (exhibit: string) => string, act?: Act): { element: HTMLElement; weighable: Weighable | null } {
    const title = `title-${question.id}`;
    const c = question.combination;
    const stated = c?.hypotheses.find((x) => x.id === question.stated);
    const hanging = c && hangs_sections(c, question.id);
    const combined = c && combined_section(question, c, describe, (view) => hanging!.show(view.hangs()));
    const element = h("section", { class: "question", id: `question-${question.id}`, "aria-labelledby": title },
        h("p", { class: "kind" }, question.kind),
        h("h2", { id: title }, question.text),
        question.stated && h("p", null, "As stated: ", h("strong", null, stated?.text ?? question.stated)),
        combined ? [combined.element, hanging!.elements]
            : h("p", null, "Nothing could be weighed together."),
        question.results.length > 0 && h("h3", null, "What each instrument gave"),
        question.results.map((r) => result_section(r, question.id, act)));
    return { element, weighable: combined?.weighable ?? null };
}
