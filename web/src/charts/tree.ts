// SPDX-License-Identifier: Apache-2.0
// tree: a family tree from Newick text, branches to scale, leaves at the right.
import { dot, line, text } from "@observablehq/plot";
import { chart, INK, PAPER, short, SOFT } from "./common";

export interface TreeNode {
    name: string;
    length: number;
    children: TreeNode[];
}

/** Newick as `assay style tree` writes it: quoted names, lengths after a colon, support as a name. */
export function read_newick(source: string): TreeNode | null {
    let at = 0;
    const deepest = 500;
    const node = (depth: number): TreeNode | null => {
        const children: TreeNode[] = [];
        if (depth > deepest) return null;
        if (source[at] === "(") {
            do {
                at++;
                const child = node(depth + 1);
                if (!child) return null;
                children.push(child);
            } while (source[at] === ",");
            if (source[at] !== ")") return null;
            at++;
        }
        let name = "";
        if (source[at] === "'") {
            for (at++; at < source.length; at++) {
                if (source[at] === "'" && source[at + 1] !== "'") break;
                if (source[at] === "'") at++;
                name += source[at];
            }
            at++;
        } else {
            while (at < source.length && !"(),:;".includes(source[at]!)) name += source[at++];
        }
        let length = 0;
        if (source[at] === ":") {
            const digits = /^[-+0-9.eE]+/.exec(source.slice(at + 1, at + 40))?.[0] ?? "";
            at += 1 + digits.length;
            length = Math.max(0, Number(digits) || 0);
        }
        return { name, length, children };
    };
    const root = node(0);
    return root && /^;?\s*$/.test(source.slice(at)) ? root : null;
}

interface Placed { x: number; y: number; name: string; leaf: boolean }

export function tree_chart(root: TreeNode, width: number): { svg: Element; says: string } {
    const nodes: Placed[] = [], edges: { x: number; y: number; edge: number }[] = [];
    let leaves = 0, edge = 0;
    const place = (node: TreeNode, x: number): Placed => {
        const children = node.children.map((child) => place(child, x + child.length));
        const y = children.length ? (children[0]!.y + children[children.length - 1]!.y) / 2 : leaves++;
        const here = { x, y, name: node.name, leaf: !children.length };
        nodes.push(here);
        for (const child of children) {
            edge++;
            edges.push({ x, y, edge }, { x, y: child.y, edge }, { x: child.x, y: child.y, edge });
        }
        return here;
    };
    place(root, 0);
    const far = Math.max(1e-9, ...nodes.map((n) => n.x));
    const longest = Math.min(30, Math.max(...nodes.map((n) => (n.leaf ? n.name.length : 0))));
    const svg = chart({
        width, height: 24 + leaves * 21, marginLeft: 14, marginRight: Math.min(width * 0.45, 16 + longest * 6.8), marginTop: 8, marginBottom: 8,
        x: { domain: [0, far], axis: null }, y: { domain: [-0.5, leaves - 0.5], axis: null, reverse: true },
        marks: [
            line(edges, { x: "x", y: "y", z: "edge", stroke: SOFT, strokeWidth: 1.5 }),
            dot(nodes.filter((n) => n.leaf), { x: "x", y: "y", r: 3.5, fill: INK, stroke: PAPER }),
            text(nodes.filter((n) => n.leaf), { x: "x", y: "y", text: (n) => short(n.name, 30), textAnchor: "start", dx: 8, fill: INK }),
            text(nodes.filter((n) => !n.leaf && n.name && n.x > 0), { x: "x", y: "y", text: "name", textAnchor: "end", dx: -4, dy: -7, fill: SOFT, fontSize: 10 }),
        ],
    });
    return { svg, says: `A tree with ${leaves} leaves: ${nodes.filter((n) => n.leaf).map((n) => n.name).slice(0, 40).join(", ")}.` };
}
