// SPDX-License-Identifier: Apache-2.0
// tree: an unrooted tree of names, read from Newick text (that of a stranger, so without recursion
// and refused when it is none). Leaves stand in one column; lengths are in the table.
import { link, text } from "@observablehq/plot";
import { chart, INK, label_room, short, SOFT } from "./common";

export interface TreeNode {
    parent: number; // -1: the centre; parents come before their children
    name: string; // of a leaf; of a branch its support, or nothing
    length: number; // NaN: not stated
    leaf: boolean;
}

const MOST_NODES = 4000;
const TOKEN = /\s*(?:([(),;])|'((?:[^']|'')*)'|(:)\s*([-+.\deE]+)|([^\s(),:;']+))/y;

/** The nodes of a Newick text, or nothing if it is not one. */
export function parse_newick(newick: string): TreeNode[] | null {
    const nodes: TreeNode[] = [];
    const add = (parent: number) => nodes.push({ parent, name: "", length: NaN, leaf: true }) - 1;
    let at = add(-1);
    TOKEN.lastIndex = 0;
    for (let m = TOKEN.exec(newick); m; m = TOKEN.exec(newick)) {
        const [, sign, quoted, colon, length, word] = m, node = nodes[at]!;
        if (nodes.length > MOST_NODES) return null;
        if (sign === "(") {
            if (!node.leaf || node.name) return null;
            node.leaf = false;
            at = add(at);
        } else if (sign === "," || sign === ")") {
            if (node.parent < 0) return null;
            at = sign === "," ? add(node.parent) : node.parent;
        } else if (sign === ";") {
            return node.parent < 0 && !node.leaf && TOKEN.lastIndex === newick.trimEnd().length ? nodes : null;
        } else if (colon) {
            node.length = Number(length);
        } else {
            node.name = quoted !== undefined ? quoted.replaceAll("''", "'") : word!;
        }
    }
    return null;
}

export function tree_chart(nodes: TreeNode[], width: number): { svg: Element; says: string } {
    const places = nodes.map(() => ({ row: NaN, low: Infinity, high: -Infinity, height: 0 }));
    let rows = 0;
    for (let i = 0; i < nodes.length; i++) if (nodes[i]!.leaf) places[i]!.row = rows++;
    for (let i = nodes.length - 1; i >= 0; i--) {
        const p = places[i]!, above = places[nodes[i]!.parent];
        if (!nodes[i]!.leaf) p.row = (p.low + p.high) / 2;
        if (!above) continue;
        above.low = Math.min(above.low, p.row);
        above.high = Math.max(above.high, p.row);
        above.height = Math.max(above.height, p.height + 1);
    }
    const leaves = nodes.filter((n) => n.leaf).map((n) => n.name);
    const { left: room, most } = label_room(leaves, width);
    const lines = nodes.flatMap((n, i) => {
        const p = places[i]!, above = places[n.parent];
        return [...(above ? [{ x1: -above.height, y1: p.row, x2: -p.height, y2: p.row }] : []),
            ...(n.leaf ? [] : [{ x1: -p.height, y1: p.low, x2: -p.height, y2: p.high }])];
    });
    const named = nodes.map((n, i) => ({ ...n, x: -places[i]!.height, y: places[i]!.row }));
    const svg = chart({
        width, height: rows * 20 + 16, marginLeft: 8, marginRight: room, marginTop: 8, marginBottom: 8,
        x: { domain: [-places[0]!.height, 0], axis: null }, y: { domain: [-0.5, rows - 0.5], range: [8, rows * 20 + 8], axis: null },
        marks: [
            link(lines, { x1: "x1", y1: "y1", x2: "x2", y2: "y2", stroke: SOFT, strokeWidth: 1.4, strokeLinecap: "square" }),
            text(named.filter((n) => n.leaf), { x: "x", y: "y", text: (n) => short(n.name, most), textAnchor: "start", dx: 6, fill: INK }),
            text(named.filter((n) => !n.leaf && n.name), { x: "x", y: "y", text: "name", textAnchor: "end", dx: -4, dy: -6, fill: INK, fontSize: 10 }),
        ],
    });
    return { svg, says: `A tree of ${leaves.length}, from top to bottom: ${leaves.join(", ")}.` };
}
