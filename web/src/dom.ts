// SPDX-License-Identifier: Apache-2.0
// dom: elements made by hand. Text of a case only ever becomes text nodes and attribute values
// here, never markup.

export type Child = Node | string | number | null | undefined | false | Child[];
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>;

function append(to: Element, children: Child[]): void {
    for (const child of children) {
        if (child === null || child === undefined || child === false) continue;
        if (Array.isArray(child)) append(to, child);
        else to.append(child instanceof Node ? child : String(child));
    }
}

/** An element; an attribute named onX with a function listens to the event X. */
export function h<K extends keyof HTMLElementTagNameMap>(
    tag: K, attributes?: Attributes | null, ...children: Child[]
): HTMLElementTagNameMap[K] {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (value === null || value === undefined || value === false) continue;
        if (typeof value === "function") element.addEventListener(name.slice(2), value);
        else element.setAttribute(name, value === true ? "" : String(value));
    }
    append(element, children);
    return element;
}

/** Replaces what `element` holds. */
export function fill(element: Element, ...children: Child[]): void {
    element.replaceChildren();
    append(element, children);
}

/** At most one call a frame, with the last of the calls made. */
export function once_a_frame(work: () => void): () => void {
    let waiting = false;
    return () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
            waiting = false;
            work();
        });
    };
}

/** One call, so many milliseconds after the last of the calls made. */
export function once_quiet(milliseconds: number, work: () => void): () => void {
    let waiting = 0;
    return () => {
        clearTimeout(waiting);
        waiting = setTimeout(work, milliseconds);
    };
}

let ids = 0;
/** An id that no other element has. */
export function fresh_id(prefix: string): string {
    return `${prefix}-${++ids}`;
}
