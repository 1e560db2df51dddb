#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/tails_*.csv: tails of distributions to 25 digits, for tests/test_stats_*.c.

Needs mpmath; not run by the tests. Each parameter is the exact double that is printed. Sums and
integrals are carried with 60 digits by methods other than those of src/stats: positive power
series in exact order, sums over the probabilities of a discrete variable, and numerical
integration of the density as it stands.

    python3 python/reference_tails.py tests/data [normal|gamma|beta|student|binomial|
                                                  poisson|hypergeometric]...
"""
import random
import sys

from mpmath import erfc, exp, log, log1p, loggamma, mp, mpf, nstr, quad, sqrt

mp.dps = 60
LEAST = -20000  # keep log10 p above this


def complement(p):
    return log1p(-p) / log(10)


def log10(p):
    return log(p) / log(10)


def normal(x):
    lower, upper = erfc(-x / sqrt(mpf(2))) / 2, erfc(x / sqrt(mpf(2))) / 2
    return (log10(lower), complement(lower)) if x < 0 else (complement(upper), log10(upper))


def series(ratio, most=3000000):
    """1 + ratio(0) (1 + ratio(1) (...)), terms positive; None if they are more than `most`."""
    term, total, tiny = mpf(1), mpf(1), mpf(10) ** -45
    for n in range(most):
        factor = ratio(n)
        term *= factor
        total += term
        if factor < 1 and term < tiny * total * (1 - factor):
            return total
    return None


def gamma(a, x):
    if x < a or x < 1:
        total = series(lambda n: x / (a + 1 + n))
        lower = exp(a * log(x) - x - loggamma(a + 1)) * total
        return log10(lower), complement(lower)
    scale = 1 / ((x - a) / x + 1 / sqrt(x))
    edges = [x + scale * k for k in (0, 2, 4, 7, 10, 15, 20, 30, 40, 60, 90, 130)]
    upper = quad(lambda t: exp((a - 1) * log(t / x) - (t - x)), edges)
    upper *= exp((a - 1) * log(x) - x - loggamma(a))
    return complement(upper), log10(upper)


def falling(log_integrand, scale):
    """The integral of exp(log_integrand) from 0 on, piece by piece until nothing is left."""
    edges, step = [mpf(0)], scale
    while log_integrand(edges[-1]) > -110:
        edges.append(edges[-1] + step)
        step *= mpf("1.25")
    with mp.workdps(40):
        return quad(lambda v: exp(log_integrand(v)), edges, method="gauss-legendre", maxdegree=5)


def beta_lower(a, b, x):
    front = a * log(x) + b * log1p(-x) + loggamma(a + b) - loggamma(a) - loggamma(b)
    total = series(lambda n: (a + b + n) / (a + 1 + n) * x, 20000)
    if total is not None:
        return exp(front) * total / a
    odds = (1 - x) / x  # else the density of the logit, from x down

    def log_integrand(v):
        t = 1 / (1 + odds * exp(v))
        return a * log(t / x) + b * log((1 - t) / (1 - x))
    scale = 1 / (a - (a + b) * x + sqrt((a + b) * x * (1 - x)) + mpf("0.5"))
    return exp(front) * falling(log_integrand, scale)


def beta(a, b, x):
    if x * (a + b) < a:
        lower = beta_lower(a, b, x)
        return log10(lower), complement(lower)
    upper = beta_lower(b, a, 1 - x)
    return complement(upper), log10(upper)


def student(degrees, t):
    tails = beta(degrees / 2, mpf(1) / 2, degrees / (degrees + t * t))
    upper = mpf(10) ** tails[0] / 2
    return (log10(upper), complement(upper)) if t < 0 else (complement(upper), log10(upper))


def discrete(mean, k, probability, up, down):
    """P(X <= k) and P(X >= k); up(j) = p(j + 1) / p(j), down(j) = p(j - 1) / p(j)."""
    point = probability(k)
    if k >= mean:
        upper = point * series(lambda n: up(k + n))
        return complement(upper - point), log10(upper)
    lower = point * series(lambda n: down(k - n))
    return log10(lower), complement(lower - point)


def binomial(n, p, k):
    def probability(j):
        return exp(loggamma(n + 1) - loggamma(j + 1) - loggamma(n - j + 1) + j * log(p)
                   + (n - j) * log1p(-p))
    odds = p / (1 - p)
    return discrete(n * p, k, probability, lambda j: (n - j) * odds / (j + 1),
                    lambda j: j / ((n - j + 1) * odds))


def poisson(mean, k):
    return discrete(mean, k, lambda j: exp(j * log(mean) - mean - loggamma(j + 1)),
                    lambda j: mean / (j + 1), lambda j: j / mean)


def hypergeometric(population, marked, drawn, k):
    def choose(n, j):
        return loggamma(n + 1) - loggamma(j + 1) - loggamma(n - j + 1)
    rest = population - marked
    return discrete(marked * drawn / population, k,
                    lambda j: exp(choose(marked, j) + choose(rest, drawn - j)
                                  - choose(population, drawn)),
                    lambda j: (marked - j) * (drawn - j) / ((j + 1) * (rest - drawn + j + 1)),
                    lambda j: j * (rest - drawn + j) / ((marked - j + 1) * (drawn - j + 1)))


def doubles(text):
    return [float(word) for word in text.split()]


def normal_cases():
    for x in doubles("0 1e-300 1e-9 .3 .674 1 1.96 3 5 5.999 6 6.001 8 12 20 37 38.6 55 67.7 68 80 "
                     "100 150 300"):
        yield x,
        yield -x,


SHAPES = doubles("1e-12 1e-4 .01 .3 .5 1 1.7 5 17.25 80 600 999 1001 2500 2e4 1e6 1e9")
SPREADS = doubles("-67 -50 -38 -20 -9 -4 -1.5 -.3 0 .2 1 3 7 15 30 45 60 80")


def gamma_cases():
    for a in SHAPES:
        for z in SPREADS:
            x = a + z * a ** .5
            if x > 0:
                yield a, x
        for share in doubles("1e-300 1e-30 1e-6 .1 .5 .9"):
            yield a, a * share
        for x in doubles("1e-250 1e-9 .2 .9 1.1 3 40 700 2300"):
            if x > a and a < 50:
                yield a, x


def beta_cases():
    for a in doubles("1e-10 .01 .4 1 3 30 900 1100 3e4 1e9"):
        for b in doubles("1e-7 .02 .5 1 7 50 990 1500 1e6 1e9"):
            mean = a / (a + b)
            spread = (a * b / (a + b + 1)) ** .5 / (a + b)
            for z in doubles("-60 -30 -8 -2 -.4 .1 1 4 12 40 66"):
                x = mean + z * spread
                if 0 < x < 1:
                    yield a, b, x
            for x in doubles("1e-300 1e-80 1e-5 .03 .5 .97"):
                if random.random() < .3:
                    yield a, b, x


def student_cases():
    for degrees in doubles("1e-3 .5 1 2 3 4.5 10 100 3000 1e5 1e9"):
        for t in doubles("0 1e-200 1e-8 .1 1 2.5 8 30 68 1e3 1e8 1e150"):
            yield degrees, t
            yield degrees, -t


def binomial_cases():
    for n in doubles("1 2 10 57 1000 4001 1e5 1e7 1e9"):
        for p in doubles("1e-200 1e-12 1e-8 1e-3 .1 .25 .5 .51 .8 .9999"):
            for z in doubles("-60 -38 -7 -2 -.1 0 1 3 9 25 66 200"):
                k = round(n * p + z * (n * p * (1 - p)) ** .5)
                if 0 <= k <= n:
                    yield n, p, float(k)
            for k in (1., 2., 60., 300.):
                if k <= n and p < 1e-3 and n > 50:
                    yield n, p, k


def poisson_cases():
    for mean in doubles("1e-300 1e-5 .1 1 4.5 37 999.5 1001 3e5 1e9"):
        for k in {float(max(0, round(mean + z * mean ** .5)))
                  for z in doubles("-66 -30 -5 -1 0 1 2 6 20 70")} | {0., 1., 2., 9., 350.}:
            yield mean, k


def hypergeometric_cases():
    for population in doubles("10 60 1000 50000 1e7 1e9 4e9"):
        for marked in doubles(".001 .03 .5 .9"):
            for drawn in doubles(".002 .2 .5 .97"):
                m, d = round(population * marked), round(population * drawn)
                if m < 1 or d < 1:
                    continue
                mean = m * d / population
                spread = (mean * (1 - marked) * (1 - drawn)) ** .5
                seen = set()
                for z in doubles("-66 -40 -9 -2 -.3 1 5 30 67"):
                    k = round(mean + z * spread)
                    if max(0, m + d - population) <= k <= min(m, d) and k not in seen:
                        if population < 1e6 or random.random() < .35:
                            seen.add(k)
                            yield population, float(m), float(d), float(k)


FAMILIES = {
    "normal": (normal, normal_cases, "x"),
    "gamma": (gamma, gamma_cases, "shape,x"),
    "beta": (beta, beta_cases, "a,b,x"),
    "student": (student, student_cases, "degrees,t"),
    "binomial": (binomial, binomial_cases, "n,p,k"),
    "poisson": (poisson, poisson_cases, "mean,k"),
    "hypergeometric": (hypergeometric, hypergeometric_cases, "population,marked,drawn,k"),
}


def write(folder, name):
    function, cases, columns = FAMILIES[name]
    random.seed(name)
    rows, seen = [], set()
    for case in cases():
        if case in seen:
            continue
        seen.add(case)
        tails = function(*map(mpf, case))
        if min(tails) > LEAST:
            rows.append(",".join([repr(x) for x in case] + [nstr(t, 25) for t in tails]))
    with open(f"{folder}/tails_{name}.csv", "w") as file:
        file.write("# log10 of P(X <= x) and P(X >= x): python/reference_tails.py, mpmath with 60\n"
                   "# digits, rounded to 25; the parameters are exact doubles\n"
                   f"{columns},log10_lower,log10_upper\n" + "\n".join(rows) + "\n")
    print(name, len(rows), flush=True)


if __name__ == "__main__":
    for family in sys.argv[2:] or FAMILIES:
        write(sys.argv[1], family)
