"""The network of jobs and endpoint: a private one of the app, or subnets that a company gives it.

The app's own, by the setting `private_network`, has subnets from which only S3 can be reached. Nothing of
it bills: a VPC, subnets and a gateway endpoint are free; a NAT gateway would cost more than the budget.
Jobs and endpoints need no more than S3, since SageMaker itself pulls images and writes logs.
Source: SageMaker developer guide, "Give SageMaker AI Training Jobs Access to Resources in Your Amazon VPC".
"""

from collections.abc import Sequence

from aws_cdk import Fn, Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.arns import Arns
from infra.permissions import ANYTHING, Statement, allow
from infra.project_stack import ProjectStack

RANGE = "10.42.0.0/24"
ZONES = 3  # not every availability zone has GPUs
HTTPS = 443


class Network:
    """Subnets and security groups for the network interfaces of jobs and endpoint.

    Args:
        shared: they may belong to another account, as a company's subnets often do.
    """

    def __init__(
        self, arns: Arns, subnet_ids: Sequence[str], security_group_ids: Sequence[str], *, shared: bool
    ) -> None:
        self.subnet_ids, self.security_group_ids = list(subnet_ids), list(security_group_ids)
        self.vpc_config = {"subnets": self.subnet_ids, "securityGroupIds": self.security_group_ids}
        """VpcConfig of a model or an endpoint configuration, as CDK takes it."""
        owner = f"arn:{arns.partition}:ec2:{arns.region}:{'*' if shared else arns.account}"
        self._interfaces = arns.of("ec2", "network-interface/*")
        self._places = [
            *(f"{owner}:subnet/{subnet}" for subnet in self.subnet_ids),
            *(f"{owner}:security-group/{group}" for group in self.security_group_ids),
        ]

    def permissions(self) -> list[Statement]:
        """Permissions that a SageMaker role needs to put its network interfaces into these subnets."""
        return [
            allow(
                ["ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission"],
                [*self._places, self._interfaces],
            ),
            allow(["ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"], [self._interfaces]),
            allow(
                [
                    "ec2:DescribeDhcpOptions",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                ],
                ANYTHING,
            ),
        ]


class PrivateNetwork(Construct):
    """A VPC without a way to the internet, and a security group that nothing can reach.

    Made of single resources: CDK's `Vpc` would ask AWS for the availability zones while it synthesizes.
    `network` is what jobs and endpoint use of it. The instances of one job can reach each other.
    """

    def __init__(self, stack: ProjectStack, construct_id: str) -> None:
        super().__init__(stack, construct_id)
        arns = stack.arns
        vpc = ec2.CfnVPC(self, "Vpc", cidr_block=RANGE, enable_dns_support=True, enable_dns_hostnames=True)
        Tags.of(vpc).add("Name", arns.names.name)
        routes = ec2.CfnRouteTable(self, "Routes", vpc_id=vpc.attr_vpc_id)
        ranges = Fn.cidr(RANGE, ZONES + 1, "6")  # blocks of 64 addresses
        subnets = [self._subnet(zone, vpc, routes, Fn.select(zone, ranges)) for zone in range(ZONES)]
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=vpc.attr_vpc_id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{arns.region}.s3",
            route_table_ids=[routes.attr_route_table_id],
        )
        group = ec2.CfnSecurityGroup(
            self,
            "Group",
            vpc_id=vpc.attr_vpc_id,
            group_description="Jobs and endpoint: S3 and nothing else",
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=HTTPS,
                    to_port=HTTPS,
                    cidr_ip="0.0.0.0/0",
                    description="HTTPS; routes lead to S3 only",
                )
            ],
        )
        self.network = Network(arns, subnets, [group.attr_group_id], shared=False)
        if stack.settings.training_instance_count > 1:
            self._talk_to_each_other(group.attr_group_id)

    def _subnet(self, zone: int, vpc: ec2.CfnVPC, routes: ec2.CfnRouteTable, cidr_block: str) -> str:
        subnet = ec2.CfnSubnet(
            self,
            f"Subnet{zone}",
            vpc_id=vpc.attr_vpc_id,
            availability_zone=Fn.select(zone, Fn.get_azs()),
            cidr_block=cidr_block,
            map_public_ip_on_launch=False,
        )
        ec2.CfnSubnetRouteTableAssociation(
            self,
            f"Association{zone}",
            subnet_id=subnet.attr_subnet_id,
            route_table_id=routes.attr_route_table_id,
        )
        return subnet.attr_subnet_id

    def _talk_to_each_other(self, own: str) -> None:
        said = "Instances of one job"
        ec2.CfnSecurityGroupIngress(
            self,
            "FromEachOther",
            group_id=own,
            ip_protocol="-1",
            source_security_group_id=own,
            description=said,
        )
        ec2.CfnSecurityGroupEgress(
            self,
            "ToEachOther",
            group_id=own,
            ip_protocol="-1",
            destination_security_group_id=own,
            description=said,
        )
