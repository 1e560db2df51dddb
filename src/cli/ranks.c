/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ranks.h"

#ifdef ASSAY_MPI
#include "cli/cli.h"

#include <mpi.h>

#include <stdlib.h>
#include <time.h>

#define PAUSE 5000000 /* nanoseconds between looks */
#define LEAVING 2000  /* looks at whether the others leave too */

static MPI_Comm leaving; /* for those who were interrupted alone */

/* MPI's own barrier spins; ranks may share a processor with those that they wait for. */
static void meet(MPI_Comm who, bool interruptible, int looks)
{
    const struct timespec pause = {.tv_nsec = PAUSE};
    MPI_Request request;
    int all = 0;
    MPI_Ibarrier(who, &request);
    MPI_Test(&request, &all, MPI_STATUS_IGNORE);
    for (int i = 0; !all && i != looks && !(interruptible && cli_interrupted()); i++) {
        nanosleep(&pause, NULL);
        MPI_Test(&request, &all, MPI_STATUS_IGNORE);
    }
}

static void wait_for_all(void *data)
{
    (void)data;
    meet(MPI_COMM_WORLD, true, -1);
}

void cli_ranks_leave(void)
{
    int started = 0;
    MPI_Initialized(&started);
    if (started)
        meet(leaving, false, LEAVING);
}

void cli_ranks_start(struct assay_lab_settings *settings)
{
    int rank = 0, ranks = 1, given;
    if (!getenv("OMPI_COMM_WORLD_SIZE") && !getenv("PMI_SIZE") && !getenv("PMIX_RANK"))
        return; /* not started by mpirun */
    /* threads may come and go; only this one calls MPI */
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given) != MPI_SUCCESS)
        return;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    settings->rank = (unsigned)rank;
    settings->ranks = (unsigned)ranks;
    settings->wait = ranks > 1 ? wait_for_all : NULL;
    MPI_Comm_dup(MPI_COMM_WORLD, &leaving);
}

void cli_ranks_end(bool good)
{
    int started = 0;
    MPI_Initialized(&started);
    if (started && good)
        MPI_Finalize();
}

void cli_ranks_abandon(int code)
{
    int started = 0;
    MPI_Initialized(&started);
    if (started)
        MPI_Abort(MPI_COMM_WORLD, code);
}

#else

void cli_ranks_start(struct assay_lab_settings *settings)
{
    (void)settings;
}

void cli_ranks_end(bool good)
{
    (void)good;
}

void cli_ranks_leave(void)
{
}

void cli_ranks_abandon(int code)
{
    (void)code;
}

#endif
