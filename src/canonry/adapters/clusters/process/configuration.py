"""How a cluster's PostgreSQL is set up: its settings, who may connect, how finished segments are kept."""

from collections.abc import Mapping

from canonry.adapters.clusters.process.folders import Place
from canonry.infra.files import write_atomic
from canonry.infra.postgres import cluster
from canonry.ports.clusters import SUPERUSER, WAL_SEGMENT_BYTES, ClusterSpec

SPOOL_LIMIT_BYTES = 512 << 20  # what the archive may be behind, for one cluster

_LEAST_TEMPORARY_MB = 64
_RESERVED = 5  # connections: the superuser's, beside those of apps
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # clients come through the proxy
    "max_wal_senders": "4",
    "max_replication_slots": "2",
    "wal_level": "replica",
    "max_pred_locks_per_transaction": "16",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_parallel_maintenance_workers": "0",
    "autovacuum_worker_slots": "2",
    "autovacuum_max_workers": "1",
    "autovacuum_naptime": "1min",
    "superuser_reserved_connections": str(_RESERVED),
    "min_wal_size": "16MB",
    "max_wal_size": "256MB",
    "archive_timeout": "50",  # with the way to the archive that makes a minute
    "idle_in_transaction_session_timeout": "15min",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_messages": "warning",
}

# The superuser's first start of data that has another password: nobody else gets in, and the socket's folder is ours alone.
_HBA_FRESH = f"local all {SUPERUSER} trust\n"
_HBA = f"""\
local all {SUPERUSER} scram-sha-256
local replication {SUPERUSER} scram-sha-256
local replication all reject
local all all scram-sha-256
"""


def write(place: Place, spec: ClusterSpec, *, fresh: bool, spool_limit: int) -> None:
    """Write everything PostgreSQL reads when it starts. fresh: let the superuser in without a password, and nobody else."""
    buffers = spec.tier.shared_buffers_mb
    own = {
        **_SETTINGS,
        "hba_file": str(place.conf / "hba.conf"),
        "max_connections": str(spec.tier.connections + _RESERVED),
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{max(spec.tier.memory_mb * 3 // 4, 64)}MB",
        "maintenance_work_mem": f"{max(spec.tier.memory_mb // 16, 16)}MB",
        "temp_file_limit": f"{min(2048, max(spec.disk_mb // 4, _LEAST_TEMPORARY_MB))}MB",  # of one session
        "archive_mode": "on" if spec.archive else "off",
        "archive_command": 'sh ../conf/archive.sh "%p" "%f"' if spec.archive else "",
        "summarize_wal": "on" if spec.archive else "off",
        **spec.settings,
    }
    write_atomic(place.conf / "archive.sh", cluster.archive_script(limit=spool_limit // WAL_SEGMENT_BYTES), sync=False)
    write_hba(place, fresh=fresh)
    cluster.write_settings(place.data, place.run, own)


def write_hba(place: Place, *, fresh: bool) -> None:
    """Write who may connect, and how."""
    write_atomic(place.conf / "hba.conf", _HBA_FRESH if fresh else _HBA, mode=0o600, sync=False)
