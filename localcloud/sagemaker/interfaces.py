"""Network interfaces that jobs and endpoints have in their VpcConfig's subnets.

SageMaker takes them away some minutes after the job or the endpoint has gone, and until then security group
and subnets cannot be deleted. Source: cloudformation-coverage-roadmap issue 1327.
"""

import time
from collections.abc import Mapping
from typing import Any

from localcloud import platform
from localcloud.hooks import network
from localcloud.sagemaker.options import options


def attach(vpc_config: Mapping[str, Any] | None, owner: str) -> str:
    """Make an interface in the first of the subnets; answers its id, "" without a VpcConfig."""
    if not vpc_config:
        return ""
    description = f"[DO NOT DELETE] ENI managed by SageMaker for {owner}"
    return network.add_network_interface(
        vpc_config["Subnets"][0], vpc_config["SecurityGroupIds"], description
    )


def release(interface: str) -> None:
    """Take it away after a while."""
    if interface:
        platform.spawn(_remove_later, interface, name="network-interface")


def _remove_later(interface: str) -> None:
    time.sleep(options.interface_linger)
    network.remove_network_interface(interface)
