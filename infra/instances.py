"""What the disks of the instance types mean for encryption."""

from __future__ import annotations

import re

# Families with local NVMe disks, which the instance itself encrypts: SageMaker mounts them instead of a
# volume, and refuses a key for one. A "d" after the generation says so (m5d, g4dn, p4de), others by family.
# Source: EC2's table of instance store volumes; botocore's documentation of ResourceConfig.VolumeKmsKeyId.
_LOCAL_DISKS = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g5|g6|g6e|gr6|p5|p5e|p5en|trn1n?|trn2)\.")


def has_local_disks(instance_type: str) -> bool:
    """Whether the type (such as `ml.g5.2xlarge`) stores on its own encrypted disks, not on a volume."""
    return _LOCAL_DISKS.match(instance_type) is not None


def volume_key(instance_type: str, key_arn: str | None) -> str | None:
    """The key for the storage volume of an instance; None if it has none, or none may be named."""
    return None if has_local_disks(instance_type) else key_arn
