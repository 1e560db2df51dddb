/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_groups: every member of a run that the forward model reads, by the group of differences
 * that it belongs to. A member that is added to a run or an architecture must be named here.
 */
#include "claim/explain.h"

#include <string.h>

static const struct {
    const char *name, *what;
} groups[GROUP_COUNT] = {
    [MODEL] = {"model", "experts and widths: how fast they run"},
    [ATTENTION] = {"attention", "grouped or latent: how fast it runs"},
    [BATCH] = {"batch", "length and number of sequences a step"},
    [PRECISION] = {"precision", "number formats"},
    [SCHEDULE] = {"schedule", "devices, layout, pipeline and bubble"},
    [RECOMPUTE] = {"recomputation", "forward work done once more"},
    [NETWORK] = {"network", "links, node-limited routing"},
    [ACCELERATOR] = {"accelerator", "arithmetic, memory, software"},
};

/* Which member of a run belongs to which group. Of the accelerator, links belong to NETWORK. */
struct member {
    enum group group;
    size_t offset, size;
};
#define AT(group, path)                                                                            \
    {                                                                                              \
        group, offsetof(struct assay_run, path), sizeof(((struct assay_run *)0)->path)             \
    }
static const struct member members[] = {
    AT(MODEL, architecture.layers),
    AT(MODEL, architecture.hidden),
    AT(MODEL, architecture.vocabulary),
    AT(MODEL, architecture.positions),
    AT(MODEL, architecture.ffn),
    AT(MODEL, architecture.gated),
    AT(MODEL, architecture.experts),
    AT(MODEL, architecture.experts_active),
    AT(MODEL, architecture.expert_ffn),
    AT(MODEL, architecture.shared_ffn),
    AT(MODEL, architecture.shared_gate),
    AT(MODEL, architecture.router_bias),
    AT(MODEL, architecture.dense_first),
    AT(MODEL, architecture.moe_every),
    AT(MODEL, architecture.mtp_layers),
    AT(MODEL, architecture.norm),
    AT(MODEL, architecture.norms_per_layer),
    AT(MODEL, architecture.final_norm),
    AT(MODEL, architecture.mlp_bias),
    AT(MODEL, architecture.head_bias),
    AT(MODEL, architecture.tied),
    AT(ATTENTION, architecture.attention),
    AT(ATTENTION, architecture.heads),
    AT(ATTENTION, architecture.kv_heads),
    AT(ATTENTION, architecture.head_dim),
    AT(ATTENTION, architecture.q_rank),
    AT(ATTENTION, architecture.kv_rank),
    AT(ATTENTION, architecture.nope_dim),
    AT(ATTENTION, architecture.rope_dim),
    AT(ATTENTION, architecture.value_dim),
    AT(ATTENTION, architecture.window),
    AT(ATTENTION, architecture.qk_norm),
    AT(ATTENTION, architecture.qk_norm_full),
    AT(ATTENTION, architecture.qkv_bias),
    AT(ATTENTION, architecture.out_bias),
    AT(ATTENTION, plan.unfused_attention),
    AT(BATCH, sequence),
    AT(BATCH, plan.global_batch),
    AT(PRECISION, precision),
    AT(PRECISION, optimizer_bytes),
    AT(PRECISION, gradient_bytes),
    AT(PRECISION, weight_bytes),
    AT(SCHEDULE, machine.devices),
    AT(SCHEDULE, plan.tensor),
    AT(SCHEDULE, plan.context),
    AT(SCHEDULE, plan.pipeline),
    AT(SCHEDULE, plan.virtual_stages),
    AT(SCHEDULE, plan.data),
    AT(SCHEDULE, plan.expert),
    AT(SCHEDULE, plan.zero),
    AT(SCHEDULE, plan.micro_batch),
    AT(SCHEDULE, plan.schedule),
    AT(SCHEDULE, plan.sequence_parallel),
    AT(RECOMPUTE, plan.recompute),
    AT(NETWORK, architecture.expert_groups),
    AT(NETWORK, architecture.groups_active),
    AT(NETWORK, machine.accelerator.scale_up_bandwidth),
    AT(NETWORK, machine.accelerator.scale_out_bandwidth),
    AT(NETWORK, machine.accelerator.scale_up_domain),
    AT(NETWORK, communication_units),
    AT(ACCELERATOR, machine.accelerator.name),
    AT(ACCELERATOR, machine.accelerator.vendor),
    AT(ACCELERATOR, machine.accelerator.generation),
    AT(ACCELERATOR, machine.accelerator.flops_fp32),
    AT(ACCELERATOR, machine.accelerator.flops_tf32),
    AT(ACCELERATOR, machine.accelerator.flops_bf16),
    AT(ACCELERATOR, machine.accelerator.flops_fp8),
    AT(ACCELERATOR, machine.accelerator.flops_fp4),
    AT(ACCELERATOR, machine.accelerator.memory_bytes),
    AT(ACCELERATOR, machine.accelerator.memory_usable_bytes),
    AT(ACCELERATOR, machine.accelerator.memory_bandwidth),
    AT(ACCELERATOR, machine.accelerator.compute_units),
    AT(ACCELERATOR, machine.accelerator.tdp_watts),
    AT(ACCELERATOR, machine.accelerator.idle_watts),
    AT(ACCELERATOR, machine.accelerator.die_area_mm2),
    AT(ACCELERATOR, machine.accelerator.launch_date),
    AT(ACCELERATOR, machine.accelerator.release_status),
    AT(ACCELERATOR, software),
    AT(ACCELERATOR, blocking_launches),
};

void group_take(struct assay_run *to, const struct assay_run *from, enum group group)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (members[i].group == group)
            memcpy((char *)to + members[i].offset, (const char *)from + members[i].offset,
                   members[i].size);
}

bool group_differs(const struct assay_run *a, const struct assay_run *b, enum group group)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (members[i].group == group &&
            memcmp((const char *)a + members[i].offset, (const char *)b + members[i].offset,
                   members[i].size) != 0)
            return true;
    return false;
}

const char *group_name(enum group group)
{
    return groups[group].name;
}

const char *group_what(enum group group)
{
    return groups[group].what;
}
