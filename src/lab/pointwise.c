/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/pointwise.h"

#include "lab/layout.h"
#include "lab/maths.h"

#include <math.h>

LAB_CLONES static void norm(size_t n, size_t c, const float *x, const float *g, float *scale,
                            float *h)
{
    for (size_t i = 0; i < n; i++) {
        const float *row = x + i * c;
        float inverse = 1 / sqrtf(lab_dot(row, row, c) / (float)c + (float)LAB_EPSILON);
        float *restrict to = h + i * c;
        for (size_t k = 0; k < c; k++)
            to[k] = row[k] * inverse * g[k];
        if (scale)
            scale[i] = inverse;
    }
}

/* The sum of a x b x c. */
LAB_INLINE float dot3(const float *a, const float *b, const float *c, size_t n)
{
    float lanes[LAB_LANES] = {0};
    size_t i = 0;
    for (; i + LAB_LANES <= n; i += LAB_LANES)
        for (size_t l = 0; l < LAB_LANES; l++)
            lanes[l] += a[i + l] * b[i + l] * c[i + l];
    for (size_t l = 0; i + l < n; l++)
        lanes[l] += a[i + l] * b[i + l] * c[i + l];
    return lab_fold(lanes);
}

LAB_CLONES static void norm_back(size_t n, size_t c, const float *x, const float *g,
                                 const float *scale, const float *d_h, float *d_g, float *d_x)
{
    float *restrict to_g = d_g;
    for (size_t i = 0; i < n; i++) {
        const float *row = x + i * c, *d = d_h + i * c;
        float *restrict to_x = d_x + i * c, r = scale[i];
        float dot = dot3(d, g, row, c) * (r * r * r / (float)c);
        for (size_t k = 0; k < c; k++) {
            to_g[k] += d[k] * row[k] * r;
            to_x[k] += d[k] * g[k] * r - row[k] * dot;
        }
    }
}

void lab_rotation_fill(size_t length, size_t half, float *cosine, float *sine)
{
    for (size_t p = 0; p < length; p++)
        for (size_t i = 0; i < half; i++) {
            double angle = (double)p * pow(LAB_ROPE_BASE, -(double)i / (double)half);
            cosine[p * half + i] = (float)cos(angle);
            sine[p * half + i] = (float)sin(angle);
        }
}

LAB_INLINE void pairs(size_t n, const float *cosine, const float *sine, float sign,
                      float *restrict low, float *restrict high)
{
    for (size_t k = 0; k < n; k++) {
        float a = low[k], b = high[k], s = sign * sine[k];
        low[k] = a * cosine[k] - b * s;
        high[k] = b * cosine[k] + a * s;
    }
}

LAB_CLONES static void rotate(size_t heads, size_t size, const float *cosine, const float *sine,
                              bool back, float *x)
{
    size_t half = size / 2, k = 0;
    float sign = back ? -1 : 1;
    for (; k + LAB_LANES <= half; k += LAB_LANES)
        for (size_t h = 0; h < heads; h++)
            pairs(LAB_LANES, cosine + k, sine + k, sign, x + h * size + k, x + h * size + half + k);
    for (size_t h = 0; h < heads && k < half; h++)
        pairs(half - k, cosine + k, sine + k, sign, x + h * size + k, x + h * size + half + k);
}

LAB_CLONES static void swiglu(size_t n, size_t hidden, const float *gate_up, float *product)
{
    for (size_t i = 0; i < n; i++) {
        const float *gate = gate_up + i * 2 * hidden, *up = gate + hidden;
        float *restrict to = product + i * hidden;
        for (size_t k = 0; k < hidden; k++)
            to[k] = gate[k] * lab_sigmoid(gate[k]) * up[k];
    }
}

LAB_CLONES static void swiglu_back(size_t n, size_t hidden, const float *gate_up,
                                   const float *d_product, float *d_gate_up)
{
    for (size_t i = 0; i < n; i++) {
        const float *gate = gate_up + i * 2 * hidden, *up = gate + hidden;
        const float *d = d_product + i * hidden;
        float *restrict d_gate = d_gate_up + i * 2 * hidden, *restrict d_up = d_gate + hidden;
        for (size_t k = 0; k < hidden; k++) {
            float z = lab_sigmoid(gate[k]);
            d_gate[k] = d[k] * up[k] * z * (1 + gate[k] * (1 - z));
            d_up[k] = d[k] * gate[k] * z;
        }
    }
}

/* ---- what other files see: a function with clones would be exported -------------------- */

void lab_norm(size_t n, size_t c, const float *x, const float *g, float *scale, float *h)
{
    norm(n, c, x, g, scale, h);
}

void lab_norm_back(size_t n, size_t c, const float *x, const float *g, const float *scale,
                   const float *d_h, float *d_g, float *d_x)
{
    norm_back(n, c, x, g, scale, d_h, d_g, d_x);
}

void lab_rotate(size_t heads, size_t size, const float *cosine, const float *sine, bool back,
                float *x)
{
    rotate(heads, size, cosine, sine, back, x);
}

void lab_swiglu(size_t n, size_t hidden, const float *gate_up, float *product)
{
    swiglu(n, hidden, gate_up, product);
}

void lab_swiglu_back(size_t n, size_t hidden, const float *gate_up, const float *d_product,
                     float *d_gate_up)
{
    swiglu_back(n, hidden, gate_up, d_product, d_gate_up);
}
