/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranks: `mpirun -n 4 assay lab run DESIGN.yaml`, if the program was built with MPI (meson's
 * option `mpi`). In: the environment that mpirun sets. Out: which rank this is, and how to wait
 * for the others. What can go wrong: a rank that fails would leave the others waiting, so it ends
 * them all. Without mpirun, or without MPI, one rank does all.
 *
 * Interrupted, mpirun sends every rank a SIGTERM and, a second later, a SIGKILL: each rank keeps
 * what it has in hand and leaves, and none ends another that may not have done so yet.
 */
#ifndef CLI_RANKS_H
#define CLI_RANKS_H

#include <assay/lab.h>

/* Sets rank, ranks and wait. */
void cli_ranks_start(struct assay_lab_settings *settings);

/* Ends MPI, once all ranks are good. */
void cli_ranks_end(bool good);

/* Returns when all ranks have been interrupted and called it, or after ten seconds. */
void cli_ranks_leave(void);

/* Ends all ranks with `code`; does nothing, and returns, where there is no MPI. */
void cli_ranks_abandon(int code);

#endif
