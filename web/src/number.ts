// SPDX-License-Identifier: Apache-2.0
// number: numbers for a reader. Three significant digits; likelihood ratios as "about 1 in 40".

/** Three significant digits, thousands separated, small and large ones as powers of ten. */
export function number(x: number | null | undefined): string {
    if (x === null || x === undefined || !Number.isFinite(x)) return "–";
    if (x === 0) return "0";
    const size = Math.abs(x);
    if (size >= 1e12 || size < 1e-4) {
        const exponent = Math.floor(Math.log10(size));
        return `${sign(x / 10 ** exponent, 3)} × 10${superscript(exponent)}`;
    }
    if (size >= 1000) return Math.round(x).toLocaleString("en-GB").replace("-", "−");
    return sign(x, 3);
}

function sign(x: number, digits: number): string {
    return String(Number(x.toPrecision(digits))).replace("-", "−");
}

function superscript(n: number): string {
    return String(n).replace(/[-\d]/g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)]!));
}

/** With two digits after the point: for logarithms. */
export function fixed(x: number | null | undefined, digits = 2): string {
    if (x === null || x === undefined || !Number.isFinite(x)) return "–";
    const text = x.toFixed(digits);
    return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "−"); // nought has no sign
}

/** 10^x as a ratio: "12", "1/12". */
export function ratio(log10: number | null | undefined): string {
    if (log10 === null || log10 === undefined || !Number.isFinite(log10)) return "–";
    if (Math.abs(log10) < 0.0005) return "1";
    if (Math.abs(log10) > 12) return `10${superscript(Math.round(log10))}`;
    return log10 > 0 ? number(10 ** log10) : `1/${number(10 ** -log10)}`;
}

/** A probability in per cent, never rounded to 0 or 100. */
export function percent(p: number | null | undefined): string {
    if (p === null || p === undefined || !Number.isFinite(p)) return "–";
    if (p > 0 && p < 0.001) return "< 0.1%";
    if (p < 1 && p > 0.999) return "> 99.9%";
    return `${Number((100 * p).toPrecision(p < 0.01 || p > 0.99 ? 3 : p < 0.1 ? 2 : 3))}%`;
}
