"""What the machine is doing, as MLflow's own monitor measures it."""

from __future__ import annotations

from collections.abc import Callable

from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from tasks.tracking.store import tracking_uri


def system_metrics() -> Callable[[], dict[str, float]]:
    """Return what measures processor, memory, disk, network and GPU use since it was called last."""
    # MLflow's monitor without its thread, which ends at the first answer that the store does not give.
    monitor = SystemMetricsMonitor("", tracking_uri=tracking_uri())

    def measure() -> dict[str, float]:
        monitor.collect_metrics()
        measured = {f"system/{name}": float(value) for name, value in monitor.aggregate_metrics().items()}
        for each in monitor.monitors:
            each.clear_metrics()
        return measured

    return measure
