"""Is the account ready: credentials, region, quotas, and the people who receive its alarms?"""

from collections.abc import Collection, Mapping

from core.aws.errors import error_code
from core.money.charges import METRIC, NAMESPACE
from core.names import BILLING_REGION, PROJECT_TAG
from finexpert.doctor import Finding, bad, good, unknown
from finexpert.errors import UserError, explain
from finexpert.service.deployment import Deployment

QUOTAS = "https://console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas"


def credentials(deployment: Deployment) -> Finding:
    """Are there credentials that AWS accepts?"""
    try:
        me = deployment.target.client("sts").get_caller_identity()
    except Exception as error:
        known = explain(error) or UserError(f"{type(error).__name__}: {error}")
        return bad(known.what, known.fix or "Sign in: aws sso login or aws configure, or set AWS_PROFILE.")
    return good(f"account {me['Account']}, {me['Arn']}")


def region(deployment: Deployment) -> Finding:
    """Do commands and app mean the same region, and may the account use it?"""
    wanted = deployment.settings.region
    acting = deployment.target.session().region_name
    if acting != wanted:
        return bad(
            f"the environment says {acting}, the setting region says {wanted}",
            f"export AWS_REGION={wanted}, or set region to {acting} in cdk.json.",
        )
    found = deployment.target.client("ec2").describe_regions(AllRegions=True)["Regions"]
    status = next((entry.get("OptInStatus") for entry in found if entry["RegionName"] == wanted), None)
    if status == "not-opted-in":
        return bad(
            f"{wanted} is not enabled in this account", "Enable it: AWS console, Account, AWS Regions."
        )
    return good(wanted) if status else bad(f"AWS has no region {wanted}", "Correct the setting region.")


def quotas(deployment: Deployment) -> Finding:
    """May the account start the instances that training and endpoint need? New accounts may start none."""
    if deployment.target.is_local:
        return good("not here: the embedded cloud has no quotas")
    settings = deployment.settings
    kind = "spot training job usage" if settings.spot else "training job usage"
    wanted = {
        f"{settings.training_instance_type} for {kind}": settings.training_instance_count,
        f"{settings.hosting_instance_type} for endpoint usage": 1,
    }
    try:
        found = _quota_values(deployment, wanted)
    except Exception as error:
        return unknown(f"could not be read: {error_code(error)}", f"Look them up at {QUOTAS}")
    return judge_quotas(wanted, found)


def judge_quotas(wanted: Mapping[str, int], found: Mapping[str, float]) -> Finding:
    """Compare the instances needed, by the quota's name, with the quotas that AWS answered."""
    said = "; ".join(
        f"{name}: {found[name]:g} of {count}" if name in found else f"{name}: not listed"
        for name, count in wanted.items()
    )
    short = [name for name, count in wanted.items() if name in found and found[name] < count]
    if short:
        asked = " and ".join(f'{wanted[name]} of "{name}"' for name in short)
        return bad(said, f"Ask for {asked} at {QUOTAS} (costs nothing, takes minutes to days).")
    if found.keys() < wanted.keys():
        return unknown(said, f"Look them up at {QUOTAS}")
    return good(said)


def _quota_values(deployment: Deployment, wanted: Collection[str]) -> dict[str, float]:
    """The applied quotas of these names; SageMaker has thousands, so reading ends with the last one found."""
    found: dict[str, float] = {}
    client = deployment.target.client("service-quotas")
    for page in client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"):
        found |= {
            entry["QuotaName"]: entry["Value"] for entry in page["Quotas"] if entry["QuotaName"] in wanted
        }
        if len(found) == len(wanted):
            break
    return found


def network(deployment: Deployment) -> Finding:
    """Do the company's subnets exist, in one VPC, with a way to S3? Without one a job waits and pays."""
    wanted = deployment.settings.subnet_ids
    if not wanted:
        return good("no subnets of yours: SageMaker's network, or the app's own")
    ec2 = deployment.target.client("ec2")
    vpcs = {subnet["VpcId"] for subnet in ec2.describe_subnets(SubnetIds=list(wanted))["Subnets"]}
    if len(vpcs) != 1:
        return bad(f"the subnets are in {len(vpcs)} VPCs", "Name subnets of one VPC in subnet_ids.")
    of_vpc = [{"Name": "vpc-id", "Values": list(vpcs)}]
    services = {e["ServiceName"] for e in ec2.describe_vpc_endpoints(Filters=of_vpc)["VpcEndpoints"]}
    said = f"{len(wanted)} subnets in {vpcs.pop()}"
    if f"com.amazonaws.{deployment.settings.region}.s3" in services:
        return good(f"{said}, with an endpoint for S3")
    routes = [
        route
        for table in ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
        for route in table["Routes"]
    ]
    if any(route.get("DestinationCidrBlock") == "0.0.0.0/0" for route in routes):
        return unknown(f"{said}, without an endpoint for S3", "See whether their route tables lead to S3.")
    return bad(f"{said}, without a way to S3", "Add a gateway endpoint for S3 (free) to their route tables.")


def billing_alerts(deployment: Deployment) -> Finding:
    """Does the account publish its charges? Without them the billing alarms never fire."""
    if deployment.target.is_local:
        return good("not here: the embedded cloud sends no bill")
    metrics = deployment.target.client("cloudwatch", BILLING_REGION).list_metrics(
        Namespace=NAMESPACE, MetricName=METRIC
    )["Metrics"]
    if metrics:
        return good("the account publishes its estimated charges")
    return bad(
        "the account publishes no estimated charges, so the billing alarms have no data",
        "Billing and Cost Management, Billing preferences, Alert preferences: Receive CloudWatch billing "
        "alerts. The first figure comes within a day.",
    )


def anomaly_monitor(deployment: Deployment) -> Finding:
    """May this account have the anomaly monitor, where the settings ask for it?"""
    if not deployment.settings.anomaly_monitor:
        return good("anomaly_monitor is false: budget and charges alarms watch the bill")
    off = "Leave anomaly_monitor=false"
    try:
        organization = deployment.target.client("organizations", BILLING_REGION).describe_organization()
        manager = organization["Organization"]["MasterAccountId"]
        if manager != deployment.target.client("sts").get_caller_identity()["Account"]:
            return bad(
                f"this account belongs to the organization of {manager}, which alone may monitor a tag",
                f"{off}, or deploy into {manager}.",
            )
    except Exception as error:
        if error_code(error) != "AWSOrganizationsNotInUseException":
            return unknown(f"whether the account belongs to an organization cannot be read: {error}")
    try:
        deployment.target.client("ce", BILLING_REGION).get_anomaly_monitors()
    except Exception as error:
        return bad(
            f"Cost Explorer does not answer: {error}",
            f"Open Cost Explorer once in the console and wait a day. {off} until then.",
        )
    return good(f"Cost Explorer is open; activate the tag {PROJECT_TAG} as a cost-allocation tag")


def alert_mail(deployment: Deployment) -> Finding:
    """Has each subscription of the alerts been confirmed, and not been cancelled since?"""
    mail = deployment.settings.alert_email
    if not mail:
        return bad("alert_email is empty: alerts have no recipient", "-c alert_email=you@example.com")
    alerts = deployment.output("Guardrails", "TopicArn")
    billing = [*alerts.split(":")[:3], BILLING_REGION, alerts.split(":")[4], deployment.names.billing_topic]
    found = {
        "alerts": _subscriptions(deployment, alerts, mail, None),
        "billing alerts": _subscriptions(deployment, ":".join(billing), mail, BILLING_REGION),
    }
    return judge_mail(mail, found)


def judge_mail(mail: str, found: Mapping[str, Collection[str]]) -> Finding:
    """Judge subscriptions by their ARNs; only a real ARN is a confirmed subscription."""
    pending = [name for name, arns in found.items() if "PendingConfirmation" in arns]
    confirmed = [name for name, arns in found.items() if any(arn.startswith("arn:") for arn in arns)]
    missing = [name for name in found if name not in [*pending, *confirmed]]
    if missing:
        return bad(
            f"{mail} is not subscribed to the {' and the '.join(missing)} (it may have unsubscribed)",
            "Subscribe it in the SNS console, or give another: cdk deploy --all -c alert_email=…",
        )
    if pending:
        return bad(
            f"{mail} has not confirmed the {' and the '.join(pending)}",
            "Open AWS's mail to it and follow the link to confirm; each topic sends its own mail.",
        )
    return good(f"{mail} receives the {' and the '.join(found)}")


def _subscriptions(deployment: Deployment, topic: str, mail: str, region: str | None) -> list[str]:
    pages = deployment.target.client("sns", region).get_paginator("list_subscriptions_by_topic")
    try:
        found = [entry for page in pages.paginate(TopicArn=topic) for entry in page["Subscriptions"]]
    except Exception as error:
        if error_code(error) in ("NotFound", "NotFoundException"):
            return []
        raise
    return [entry["SubscriptionArn"] for entry in found if entry["Endpoint"] == mail]


def notification(deployment: Deployment) -> Finding:
    """Does a real message reach a subscriber? Publishes one to the alerts' topic."""
    topic = deployment.output("Guardrails", "TopicArn")
    sns = deployment.target.client("sns")
    counts = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    sns.publish(
        TopicArn=topic,
        Subject=f"{deployment.settings.prefix}: test notification",
        Message="This is a test. Warnings about money and idle endpoints will arrive like this.",
    )
    confirmed, pending = (int(counts.get(f"Subscriptions{state}", 0)) for state in ("Confirmed", "Pending"))
    if confirmed:
        return good(f"sent to {confirmed} confirmed subscription(s): look whether it has arrived")
    waits = f"; {pending} wait for confirmation" if pending else ""
    return bad(
        f"no confirmed subscription: no warning would arrive{waits}",
        "Open AWS's mail 'AWS Notification - Subscription Confirmation' and follow its link.",
    )
