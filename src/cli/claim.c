/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/claim.h"

#include "base/json.h"

json_t *cli_plan_json(const struct assay_plan *p)
{
    static const char *const recompute[] = {"none", "selective", "full"};
    static const char *const schedule[] = {"1f1b", "zero-bubble", "dualpipe"};
    json_t *o = json_object();
    json_set_number(o, "tensor", p->tensor);
    json_set_number(o, "context", p->context);
    json_set_number(o, "pipeline", p->pipeline);
    json_set_number(o, "virtual_stages", p->virtual_stages);
    json_set_number(o, "data", p->data);
    json_set_number(o, "expert", p->expert);
    json_set_number(o, "zero", p->zero);
    json_set_number(o, "micro_batch", (double)p->micro_batch);
    json_set_number(o, "global_batch", (double)p->global_batch);
    json_set_text(o, "recompute", recompute[p->recompute]);
    json_set_text(o, "schedule", schedule[p->schedule]);
    json_object_set_new(o, "sequence_parallel", json_boolean(p->sequence_parallel));
    json_object_set_new(o, "unfused_attention", json_boolean(p->unfused_attention));
    return o;
}

assay_status cli_set_accelerator(struct cli_call *call, const struct assay_claim_data *data,
                                 struct assay_run *run, const char *name)
{
    double memory = 0;
    const struct assay_accelerator *found = assay_accelerator_find(data, name, &memory);
    if (!found) {
        char list[240];
        assay_accelerator_near(data, name, list, sizeof list);
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--accelerator: \"%.60s\" is not in the table of accelerators "
                              "(`assay chips` lists it); expected a name such as %s",
                              name, list);
    }
    run->machine.accelerator = *found;
    if (memory > 0)
        run->machine.accelerator.memory_bytes = memory;
    run->communication_units = 0;
    return ASSAY_OK;
}

assay_status cli_with_run(struct cli_call *call,
                          assay_status (*function)(struct cli_call *call,
                                                   const struct assay_claim_data *data,
                                                   struct assay_run *run))
{
    struct assay_claim_data data;
    struct assay_run run;
    ASSAY_TRY(assay_claim_data_read(call->data_folder, &data, &call->error));
    assay_status status = assay_run_read(call->positional[0], &data, &run, &call->error);
    if (status == ASSAY_OK) {
        status = function(call, &data, &run);
        assay_run_free(&run);
    }
    assay_claim_data_free(&data);
    return status;
}

assay_status cli_change_machine(struct cli_call *call, const struct assay_claim_data *data,
                                struct assay_run *run, const char *name, int64_t count)
{
    if (name)
        ASSAY_TRY(cli_set_accelerator(call, data, run, name));
    int64_t others = (int64_t)run->plan.tensor * run->plan.context * run->plan.pipeline;
    run->machine.devices = count;
    if (run->plan_known && count % others == 0) {
        struct assay_efficiency efficiency;
        struct assay_step step;
        run->plan.data = (int)(count / others);
        if (assay_plan_check(run, NULL) == ASSAY_OK) {
            assay_efficiency_resolve(data->efficiency, run, NULL, &efficiency);
            assay_step_predict(run, &efficiency, &step);
            if (step.memory.fits)
                return ASSAY_OK;
        }
    }
    return assay_plan_choose(data, run, &call->error);
}
