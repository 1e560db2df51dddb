/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/network.h"

#include <math.h>

/* A hop inside a domain against one between domains: NCCL's own base latencies, LL protocol,
 * are 0.6 us for NVLink and 5 us for a network (NVIDIA/nccl src/graph/tuning.cc, hwLat). */
static const double up_latency_share = 0.12;

void network_set(struct network *network, const struct assay_run *run,
                 const struct assay_efficiency *efficiency)
{
    const struct assay_accelerator *a = &run->machine.accelerator;
    double out = a->scale_out_bandwidth * efficiency->scale_out;
    double up = a->scale_up_bandwidth * efficiency->scale_up;

    network->domain = a->scale_up_domain > 0 ? a->scale_up_domain : 1;
    network->up = up > 0 ? up : out;
    network->out = out > 0 ? out : up;
    network->out_latency = efficiency->latency_seconds;
    network->up_latency = efficiency->latency_seconds * up_latency_share;
}

/* Members of the group that share one domain. */
static double members_together(const struct network *network, struct group group)
{
    double together = floor(network->domain / group.stride);
    return fmin(fmax(together, 1), group.n);
}

double network_gather_seconds(const struct network *network, struct group group, double bytes)
{
    if (group.n <= 1 || bytes <= 0)
        return 0;
    double together = members_together(network, group);
    double rate = network->up, latency = network->up_latency;
    if (together < group.n) { /* every member's own network port carries a share of the ring */
        rate = together > 1 ? fmin(network->up, together * network->out) : network->out;
        latency = network->out_latency;
    }
    return bytes * (group.n - 1) / group.n / rate + latency * log2(group.n);
}

double network_send_seconds(const struct network *network, double stride, double bytes)
{
    bool near = stride < network->domain;
    return bytes / (near ? network->up : network->out) +
           (near ? network->up_latency : network->out_latency);
}

double network_dispatch_seconds(const struct network *network, double n, double bytes,
                                double copies, double most_domains)
{
    if (n <= 1 || bytes <= 0)
        return 0;
    double domains = ceil(n / network->domain);
    double inside = bytes * copies * (n - 1) / n / network->up;
    if (domains <= 1)
        return inside + network->up_latency * log2(n);
    double reach = most_domains > 0 ? fmin(most_domains, domains) : domains;
    double visited = reach * (1 - pow(1 - 1 / reach, copies)); /* distinct, of `copies` draws */
    double across = bytes * visited * (domains - 1) / domains / network->out;
    return fmax(inside, across) + network->out_latency * log2(domains);
}
