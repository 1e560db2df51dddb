// SPDX-License-Identifier: Apache-2.0
// curve: the posterior of one hypothesis against its prior, with the band that uncertain
// likelihoods give, the words of ICD 203 at the side, and a mark at each stated prior.
import { areaY, axisX, axisY, dot, gridX, line, ruleY, text } from "@observablehq/plot";
import { percent } from "../number";
import { PROBABILITY_SCALE, words_of_probability } from "../words";
import { chart, FOR, INK, LINE, PAPER, short, SOFT } from "./common";

export interface Point {
    prior: number;
    low: number;
    median: number;
    high: number;
}
export interface Mark {
    prior: number;
    posterior: number;
    who: string;
}

export function curve_chart(points: Point[], marks: Mark[], hypothesis: string, width: number): { svg: Element; says: string } {
    const narrow = width < 480;
    const svg = chart({
        width, height: Math.min(380, Math.max(280, width * 0.55)), marginLeft: 52, marginRight: narrow ? 14 : 140, marginBottom: 50, marginTop: 30,
        x: { domain: [0, 1] }, y: { domain: [0, 1] },
        marks: [
            ruleY(PROBABILITY_SCALE.map(([to]) => to).filter((to) => to < 1), { stroke: LINE }),
            !narrow && text(PROBABILITY_SCALE.map(([to, words], i) => ({ y: (to + (PROBABILITY_SCALE[i - 1]?.[0] ?? 0)) / 2, words })),
                { x: 1, y: "y", text: "words", textAnchor: "start", dx: 8, fill: SOFT, fontSize: 11 }),
            axisX({ tickFormat: (x: number) => percent(x), label: "prior probability", labelAnchor: "center", labelArrow: "none", color: SOFT, ticks: narrow ? 4 : 6, tickSize: 4 }),
            axisY({ tickFormat: (x: number) => percent(x), label: "posterior probability", labelAnchor: "top", labelArrow: "none", color: SOFT, ticks: 5, tickSize: 4 }),
            gridX({ ticks: 5, stroke: LINE }),
            line([[0, 0], [1, 1]], { stroke: SOFT, strokeDasharray: "3,4" }),
            areaY(points, { x: "prior", y1: "low", y2: "high", fill: FOR, fillOpacity: 0.18 }),
            line(points, { x: "prior", y: "median", stroke: FOR, strokeWidth: 2.4 }),
            dot(marks, { x: "prior", y: "posterior", r: 6, fill: INK, stroke: PAPER, strokeWidth: 1.5, tip: true,
                title: (m) => `${m.who}\nprior ${percent(m.prior)}, posterior ${percent(m.posterior)}\n${words_of_probability(m.posterior)}` }),
            text(marks, { x: "prior", y: "posterior", text: (m) => short(m.who, narrow ? 20 : 34), dy: -13, fill: INK, fontSize: 11, textAnchor: "middle", stroke: PAPER, strokeWidth: 4 }),
        ].filter((m) => m !== false),
    });
    const half = points.reduce<Point | undefined>((best, p) => (!best || Math.abs(p.prior - 0.5) < Math.abs(best.prior - 0.5) ? p : best), undefined);
    const says = `For ${hypothesis}. ` + (half ? `A prior of ${percent(half.prior)} becomes ${percent(half.median)} (${percent(half.low)} to ${percent(half.high)}). ` : "") +
        marks.map((m) => `${m.who}: ${percent(m.prior)} becomes ${percent(m.posterior)}.`).join(" ");
    return { svg, says };
}
