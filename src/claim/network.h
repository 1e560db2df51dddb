/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network: how long groups of devices take to exchange bytes.
 * Two tiers: a scale-up domain (NVLink, ICI, Infinity Fabric) inside a scale-out network. A
 * group is n devices, `stride` apart in rank order, ranks filling one domain after another.
 * Rings: Thakur et al., "Optimization of collective communication operations in MPICH", 2005.
 */
#ifndef CLAIM_NETWORK_H
#define CLAIM_NETWORK_H

#include <assay/claim.h>

struct network {
    double up;                      /* achieved bytes/s a device, one direction, inside a domain */
    double out;                     /* achieved bytes/s a device, one direction, between domains */
    double domain;                  /* devices */
    double up_latency, out_latency; /* seconds a hop */
};

struct group {
    double n;      /* devices */
    double stride; /* ranks between neighbours */
};

void network_set(struct network *network, const struct assay_run *run,
                 const struct assay_efficiency *efficiency);

/* Seconds to gather `bytes` (the whole, on every member) or to reduce and scatter them. */
double network_gather_seconds(const struct network *network, struct group group, double bytes);

/* Seconds for `bytes` from one device to the one `stride` away. */
double network_send_seconds(const struct network *network, double stride, double bytes);

/*
 * Seconds of an exchange in which each of n neighbouring devices sends `copies` copies of
 * `bytes` to members chosen at random in at most `most_domains` domains (0: any). A copy
 * crosses to another domain once and is passed on inside it, as DeepEP does (arXiv 2412.19437,
 * 3.2.2); the slower tier decides.
 */
double network_dispatch_seconds(const struct network *network, double n, double bytes,
                                double copies, double most_domains);

#endif
