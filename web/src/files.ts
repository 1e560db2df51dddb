// SPDX-License-Identifier: Apache-2.0
// files: files that come into a case's folder, and become exhibits of the case once somebody says
// where they are from and how far they can be trusted.
import { api, plain_name, Refused, type CaseData } from "./api";
import { fill, h } from "./dom";
import { table_element } from "./table";

const words_of = (error: unknown): string => (error instanceof Error ? error.message : "that did not work");
const alert = (words: string) => h("p", { role: "alert", class: "changed" }, words);

/** "claim.yaml" when that is taken: "claim-2.yaml", then "claim-3.yaml". */
function other_name(name: string, taken: Set<string>): string {
    const dot = name.lastIndexOf("."), stem = dot > 0 ? name.slice(0, dot) : name, end = dot > 0 ? name.slice(dot) : "";
    for (let i = 2; ; i++) {
        const other = `${stem.slice(0, 60 - end.length)}-${i}${end}`;
        if (!taken.has(other)) return other;
    }
}

export function files_part(first: CaseData, case_changed: () => void): HTMLElement {
    let data = first;
    const said = h("div", { role: "status" }), table = h("div"), forms = h("div");
    const show = () => {
        const exhibits = new Set(data.exhibit_files);
        fill(table, table_element({
            columns: ["File", "Bytes", "Exhibit", "Came in", "SHA-256 then"],
            rows: data.files.map((f) => {
                const then = data.came.filter((c) => c.file === f.name).at(-1);
                return [f.name, f.bytes, exhibits.has(f.name) ? "yes" : "no", then?.came ?? "", then?.sha256 ?? ""];
            }),
        }, "Files of the case"));
        const free = data.files.map((f) => f.name).filter((n) => n !== "case.yaml" && !exhibits.has(n));
        fill(forms, free.length > 0 && exhibit_form(free));
    };
    const again = async () => {
        data = await api.one(data.name);
        show();
    };

    /** The file stands in the folder, under its own name or the one that was chosen where that is taken. */
    const take = async (file: File, as = plain_name(file.name)): Promise<void> => {
        const line = h("div", null, `${file.name} is on its way.`);
        said.append(line);
        try {
            await api.drop(data.name, file, as);
            fill(line, h("p", null, `${as} is in the case's folder. Say below what it is, and it is an exhibit.`));
            await again();
            const select = forms.querySelector("select");
            if (select) select.value = as;
            select?.dispatchEvent(new Event("change"));
        } catch (error) {
            if (!(error instanceof Refused) || error.status !== 409) return fill(line, alert(`${file.name}: ${words_of(error)}`));
            const other = other_name(as, new Set(data.files.map((f) => f.name)));
            fill(line, alert(`${as} is there already, and is not written over.`),
                h("div", { class: "tools" }, h("button", { type: "button", onclick: () => { line.remove(); void take(file, other); } }, `Put it beside as ${other}`),
                    h("button", { type: "button", onclick: () => line.remove() }, "Leave it")));
        }
    };
    const take_all = async (files: FileList | File[]) => {
        fill(said);
        for (const file of files) await take(file);
    };

    const exhibit_form = (free: string[]): HTMLElement => {
        const text = (name: string, value: string, more: Record<string, string | boolean> = {}) =>
            h("input", { type: "text", value, "aria-label": name, ...more });
        const file = h("select", { "aria-label": "Which file" }, free.map((n) => h("option", { value: n }, n)));
        const id = text("Its id", ""), source = text("Where it is from", "", { placeholder: "document and place", required: true });
        const said_by = text("Who made it, if one is known", ""), date = text("Its date", new Date().toISOString().slice(0, 10), { pattern: "\\d{4}(-\\d{2}(-\\d{2})?)?" });
        const grade = h("select", { "aria-label": "Grade of the source and of what it says" },
            ["A", "B", "C", "D", "E", "F"].flatMap((a) => [1, 2, 3, 4, 5, 6].map((b) => h("option", { value: `${a}${b}` }, `${a}${b}`))));
        grade.value = "F6";
        const named = () => { id.value = file.value.replace(/\.[^.]*$/, "").replace(/^[^A-Za-z0-9]+/, "") || "exhibit"; };
        file.addEventListener("change", named);
        named();
        const answer = h("div", { role: "status" });
        const row = (words: string, field: HTMLElement) => h("label", { class: "field" }, h("span", null, words), field);
        return h("form", { class: "exhibit-form", onsubmit: (event) => {
            event.preventDefault();
            const entry = { file: file.value, id: id.value, source: source.value, date: date.value, grade: grade.value,
                ...(said_by.value ? { said_by: said_by.value } : {}), ...(data.case_sha256 ? { case_sha256: data.case_sha256 } : {}) };
            api.add_exhibit(data.name, entry).then(async () => {
                await again();
                fill(said, h("p", null, `${entry.id} is an exhibit: it stands in case.yaml. Findings can rest on it once they name it there.`));
                case_changed();
            }, (error: unknown) => fill(answer, alert(words_of(error))));
        } },
            h("p", { class: "soft" }, "A file becomes an exhibit when case.yaml says so. What you enter is added there, and nothing else in it is changed."),
            row("File", file), row("Id", id), row("From", source), row("Made by", said_by), row("Date", date), row("Grade", grade),
            h("button", { type: "submit" }, "Make it an exhibit"), answer);
    };

    const input = h("input", { type: "file", multiple: true, "aria-label": "Files to put into the case's folder" });
    input.addEventListener("change", () => { if (input.files) void take_all(input.files); });
    const zone = h("div", { class: "drop" }, h("p", null, "Drop files here, or choose them: "), input, said);
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
        event.preventDefault();
        zone.classList.remove("over");
        if (event.dataTransfer) void take_all(event.dataTransfer.files);
    });
    show();
    return h("div", null, zone, forms, table);
}
