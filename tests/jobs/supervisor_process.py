"""A supervisor of any command: PROCESSES GRACE_SECONDS COMMAND [ARGUMENT...]. Who is late has a second."""

import sys

from heygen_graphql.jobs.supervisor import WorkerFailed, supervise

if __name__ == "__main__":
    processes, grace_seconds, *command = sys.argv[1:]
    try:
        ended_well = supervise(
            command,
            processes=int(processes),
            grace_seconds=float(grace_seconds),
            environment={"TOLD": "to all"},
            late_seconds=1,
        )
    except WorkerFailed as failure:
        sys.exit(f"{failure} ({failure.exit_code})")
    sys.exit(0 if ended_well else 1)
