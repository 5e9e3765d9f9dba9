"""EC2: network interfaces that a service puts into someone's subnets, and what they keep from being deleted.

Sources: EC2 API reference, DeleteSecurityGroup and DeleteSubnet (DependencyViolation), and
DescribeNetworkInterfaces (filter `group-id`); cloudformation-coverage-roadmap issue 1327.
"""

import re
from collections.abc import Sequence
from typing import Any


def add_network_interface(subnet_id: str, group_ids: Sequence[str], description: str) -> str:
    """Put a network interface into a subnet; answers its id."""
    from ministack.services import ec2

    asked = {"SubnetId": [subnet_id], "Description": [description]}
    groups = {f"SecurityGroupId.{number}": [group] for number, group in enumerate(group_ids, 1)}
    body = ec2._ACTION_MAP["CreateNetworkInterface"](asked | groups)[2]
    interface_id = re.findall(rb"eni-[0-9a-f]+", body)[0].decode()
    ec2._network_interfaces[interface_id]["Status"] = "in-use"
    return str(interface_id)


def remove_network_interface(interface_id: str) -> None:
    """Take a network interface away."""
    from ministack.services import ec2

    ec2._network_interfaces.pop(interface_id, None)


def install_network_dependencies() -> None:
    """Refuse to delete a security group or a subnet that an interface uses, and list interfaces by group."""
    from ministack.services import ec2
    from ministack.services.cloudformation import provisioners

    def users(physical_id: str) -> list[str]:
        return [
            interface["NetworkInterfaceId"]
            for interface in ec2._network_interfaces.values()
            if physical_id in (interface["SubnetId"], *(group["GroupId"] for group in interface["Groups"]))
        ]

    def refusal(physical_id: str) -> str:
        return f"resource {physical_id} has a dependent object" if users(physical_id) else ""

    for operation, parameter in (("DeleteSecurityGroup", "GroupId"), ("DeleteSubnet", "SubnetId")):
        ec2._ACTION_MAP[operation] = _refusing(ec2, ec2._ACTION_MAP[operation], parameter, refusal)
    for resource_type in ("AWS::EC2::SecurityGroup", "AWS::EC2::Subnet"):
        handlers = provisioners._RESOURCE_HANDLERS[resource_type]
        provisioners._RESOURCE_HANDLERS[resource_type] = handlers | {
            "delete": _refusing_resource(handlers["delete"], refusal)
        }

    def describe(params: dict[str, Any]) -> Any:
        groups = ec2._parse_filters(params).get("group-id")
        if not groups:
            return described(params)
        wanted = {each for group in groups for each in users(group)}
        items = "".join(ec2._eni_fields_xml(ec2._network_interfaces[each]) for each in sorted(wanted))
        body = f"<networkInterfaceSet>{items}</networkInterfaceSet>"
        return ec2._xml(200, "DescribeNetworkInterfacesResponse", body)

    described = ec2._ACTION_MAP["DescribeNetworkInterfaces"]
    ec2._ACTION_MAP["DescribeNetworkInterfaces"] = describe


def _refusing(ec2: Any, delete: Any, parameter: str, refusal: Any) -> Any:
    def delete_unless_used(params: dict[str, Any]) -> Any:
        reason = refusal(ec2._p(params, parameter))
        return ec2._error("DependencyViolation", reason, 400) if reason else delete(params)

    return delete_unless_used


def _refusing_resource(delete: Any, refusal: Any) -> Any:
    def delete_unless_used(physical_id: str, properties: dict[str, Any]) -> None:
        if reason := refusal(physical_id):
            raise ValueError(f'Resource handler returned message: "{reason} (DependencyViolation)"')
        delete(physical_id, properties)

    return delete_unless_used
