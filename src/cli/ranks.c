/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ranks.h"

#ifdef ASSAY_MPI
#include <mpi.h>

#include <stdlib.h>
#include <time.h>

/* MPI's own barrier spins; ranks may share a processor with those that they wait for. */
static void wait_for_all(void *data)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    MPI_Request request;
    int all = 0;
    (void)data;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    for (MPI_Test(&request, &all, MPI_STATUS_IGNORE); !all;
         MPI_Test(&request, &all, MPI_STATUS_IGNORE))
        nanosleep(&pause, NULL);
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

void cli_ranks_abandon(int code)
{
    (void)code;
}

#endif
