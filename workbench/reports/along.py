"""A report on a machine that only helps to train: no notebook is run there, and none written."""

from workbench.cluster import Cluster, check_port, read_cluster
from workbench.config import RunConfig


def helps(config: RunConfig) -> Cluster | None:
    """Return the cluster where this machine trains along with worker 0, which reports.

    Raises:
        SettingsError: several workers are to train, and TF_CONFIG does not name them, or our own
            port is taken.
    """
    if config.strategy != "multi_worker":
        return None
    cluster = read_cluster()
    check_port(cluster)
    return cluster if cluster.number else None


def train_along(config: RunConfig, cluster: Cluster) -> tuple[int, str]:
    """Take the steps of worker 0 to the end; return the exit code and what there is to say.

    Raises:
        WorkbenchError: the data, the cluster or another worker is not as it should be.
    """
    from workbench.session import Session  # TensorFlow takes seconds; no other report needs it here
    from workbench.training.workers import LostWorkerError

    try:
        Session(config, live=False).train()
    except LostWorkerError as error:
        return 1, str(error)
    return 0, (
        f"worker {cluster.number} of {len(cluster.addresses)} has trained along; "
        f"the report is with worker 0 ({cluster.addresses[0]})"
    )
