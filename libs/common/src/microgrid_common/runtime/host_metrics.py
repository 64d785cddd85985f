"""What Prometheus is told about the machine that a service runs on: its disk, and certificates."""

import shutil
from collections.abc import Collection
from pathlib import Path

from microgrid_common.runtime import metrics


def show_disk(folder: Path) -> None:
    """Show how full the disk is that a folder is on, or would be on where it is not there yet."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    usage = shutil.disk_usage(there)
    metrics.DISK_SIZE.set(usage.total)
    metrics.DISK_FREE.set(usage.free)


def show_certificates(files: Collection[Path]) -> None:
    """Show when certificates end; one that cannot be read is shown as long over, so that somebody looks."""
    for file in files:
        metrics.CERTIFICATE_EXPIRY.labels(certificate=str(file)).set(_expiry(file))


def _expiry(file: Path) -> float:
    # Where there are no certificates it is not worth its 9 MB.
    from cryptography import x509  # noqa: PLC0415

    try:
        certificates = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return 0.0
    return min(certificate.not_valid_after_utc.timestamp() for certificate in certificates)
