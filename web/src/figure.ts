// SPDX-License-Identifier: Apache-2.0
// figure: a drawing with its caption, its numbers one click away (table, CSV, SVG), redrawn when
// its width or what it shows changes.
import { fill, fresh_id, h, once_a_frame, type Child } from "./dom";
import { csv, table_element, type Table } from "./table";

export interface Drawing {
    title: string;
    note?: Child;
    legend?: [mark: string, words: string][];
    /** The drawing for so many CSS pixels, with what it says in words for those who do not see it. */
    draw(width: number): { svg: Element; says: string };
    table(): Table;
    file: string; // name of what is downloaded, without its ending
}

export interface Figure {
    element: HTMLElement;
    redraw(drawing: Drawing): void;
}

function download(name: string, type: string, text: string): void {
    const address = URL.createObjectURL(new Blob([text], { type }));
    h("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A colour as other programs read it: #rrggbb, or none. Browsers give mixed ones as oklab(...). */
function plain_colour(colour: string): string {
    const context = h("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    if (!context || colour === "none") return colour;
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return alpha === 0 ? "none" : `#${[red, green, blue].map((x) => x!.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * The drawing as a file of its own, for Inkscape and LibreOffice too: what the page's style gives
 * is written into it, and colours that the browser mixes are written as they came out.
 */
function standalone(svg: SVGSVGElement): string {
    const copy = svg.cloneNode(true) as SVGSVGElement;
    const style = getComputedStyle(svg), known = new Map<string, string>();
    const resolve = (value: string) => value.replace(/var\((--[\w-]+)\)/g, (_, name: string) => style.getPropertyValue(name).trim());
    const drawn = [svg, ...svg.querySelectorAll("*")], copies = [copy, ...copy.querySelectorAll("*")];
    copies.forEach((element, i) => {
        for (const { name, value } of [...element.attributes]) {
            if ((name === "fill" || name === "stroke") && /var\(|color-mix\(|transparent/.test(value)) {
                if (!known.has(value)) known.set(value, plain_colour(getComputedStyle(drawn[i]!)[name]));
                element.setAttribute(name, known.get(value)!);
            } else if (value.includes("var(")) element.setAttribute(name, resolve(value));
        }
    });
    copy.removeAttribute("aria-hidden");
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("style", `background:${style.getPropertyValue("--paper").trim()};color:${style.color};font-family:system-ui,sans-serif`);
    return new XMLSerializer().serializeToString(copy);
}

export function figure(first: Drawing): Figure {
    let drawing = first;
    let drawn_width = 0;
    const id = fresh_id("figure");
    const place = h("div", { class: "drawing", role: "img" });
    const caption = h("figcaption", { id }), note = h("div", { class: "note" }), legend = h("ul", { class: "legend" });
    const numbers = h("details", { class: "numbers" }, h("summary", null, "Numbers"));
    const body = h("div");
    numbers.append(body);
    const show_table = () => fill(body, table_element(drawing.table(), drawing.title));
    numbers.addEventListener("toggle", () => { if (numbers.open) show_table(); });

    const draw = (width: number) => {
        drawn_width = width;
        const { svg, says } = drawing.draw(width);
        // what it says stands in a label and in the table; single marks would only be noise
        svg.setAttribute("aria-hidden", "true");
        place.setAttribute("aria-label", `${drawing.title}. ${says}`);
        fill(place, svg);
    };
    const show = () => {
        fill(caption, drawing.title);
        fill(note, drawing.note);
        fill(legend, (drawing.legend ?? []).map(([mark, words]) => h("li", null, h("span", { class: `swatch ${mark}` }), words)));
        legend.hidden = !drawing.legend?.length;
        if (drawn_width) draw(drawn_width);
        if (numbers.open) show_table();
    };
    const buttons = h("div", { class: "tools" },
        h("button", { type: "button", "aria-describedby": id, onclick: () => download(`${drawing.file}.csv`, "text/csv", "\ufeff" + csv(drawing.table())) }, "CSV"),
        h("button", { type: "button", "aria-describedby": id, onclick: () => {
            const svg = place.querySelector("svg");
            if (svg) download(`${drawing.file}.svg`, "image/svg+xml", standalone(svg));
        } }, "SVG"));
    const element = h("figure", { "aria-labelledby": id }, caption, note, legend, place,
        h("div", { class: "under" }, numbers, buttons));
    show();
    const watch = once_a_frame(() => {
        const width = Math.floor(place.clientWidth);
        if (width > 0 && width !== drawn_width) draw(width);
    });
    new ResizeObserver(watch).observe(place);
    return { element, redraw: (next) => { drawing = next; show(); } };
}
