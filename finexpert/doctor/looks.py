"""Answers the questions of the first hour's check about what was deployed, run and woken."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from core.aws.calls import list_all, pages
from core.money import prices
from core.money.reserve import STOP_MINUTES
from core.names import STACK_TAG, TRAINING_LOG_GROUP
from core.reaper.facts import NAMESPACE
from finexpert.doctor import Check, Finding, bad, good, unknown
from finexpert.doctor.first_hour import Look, Scene
from finexpert.errors import NotDeployed
from finexpert.service.account import leftovers as audits
from finexpert.service.asking import inference
from finexpert.service.endpoint import switch
from finexpert.service.money.price_list import NotOnePrice, Wanted, endpoint_region, on_demand_usd
from finexpert.service.runs import executions, follow, logs
from finexpert.text import duration

MOST_EVENTS = 500
DENIED = ("AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "UnauthorizedOperation")
DRIVER = re.compile(r"driver[^0-9]{0,40}(\d{3}\.\d+(?:\.\d+)?)", re.I)
PROMPT = "The results are encouraging for aggressive investors"


def check(doctors: Check) -> Look:
    """Use one of doctor's checks as a look."""
    return lambda scene: doctors(scene.deployment)


def definition(scene: Scene) -> Finding:
    """Does Step Functions take the definition of the state machine: the deployed one, else a made-up one?"""
    client = scene.deployment.target.client("stepfunctions")
    try:
        machine = scene.deployment.output("Training", "StateMachineArn")
        text, which = client.describe_state_machine(stateMachineArn=machine)["definition"], "deployed"
    except Exception:
        from infra.training.definition import made_up

        text, which = json.dumps(made_up(scene.deployment.settings)), "not yet deployed"
    answer = client.validate_state_machine_definition(definition=text, type="STANDARD")
    problems = [f"{d['severity']} {d['code']}: {d['message']}" for d in answer.get("diagnostics", [])]
    said = f"{which}, {len(json.loads(text)['States'])} states: {answer['result']}"
    if answer["result"] == "OK" and not problems:
        return good(said)
    return (bad if answer["result"] != "OK" else unknown)(
        "; ".join([said, *problems]), "Report it as an issue."
    )


def listed_prices(scene: Scene) -> Finding:
    """Are the prices that decide those of AWS's Price List?"""
    settings = scene.deployment.settings
    pricing = scene.deployment.target.client("pricing", endpoint_region(settings.region))
    uses: dict[prices.Component, str] = {
        "training": settings.training_instance_type,
        "hosting": settings.hosting_instance_type,
    }
    same: list[str] = []
    other: list[str] = []
    for use, kind in uses.items():
        ours = prices.hourly(kind, settings.region, use).usd
        try:
            listed = on_demand_usd(pricing, Wanted(component=use, region=settings.region, type=kind))
        except NotOnePrice as problem:
            return unknown(str(problem))
        (same if listed == ours else other).append(f"{use} on {kind}: {listed:g}, here {ours:g}")
    if other:
        return bad("; ".join([*other, *same]), "finexpert prices refresh, then cdk deploy --all")
    return good("; ".join(same))


def runtime(scene: Scene) -> Finding:
    """Has Lambda's Python what the functions use? A deployed function answers for itself."""
    name = scene.deployment.output("Guardrails", "IdleReaperName")
    answer = scene.deployment.target.client("lambda").invoke(FunctionName=name, Payload=b'{"runtime": true}')
    found = json.loads(answer["Payload"].read() or b"null")
    if not isinstance(found, dict) or "sqlite" not in found:
        return unknown(f"the function answered {json.dumps(found)[:200]}", "Deploy this version.")
    has = {True: "with", False: "without"}
    said = (
        f"Python {found['python']}, botocore {found['botocore']}, SQLite {found['sqlite']}"
        f" {has[found['fts5']]} FTS5, PutObject {has[found['if_match']]} IfMatch"
    )
    return good(said) if found["fts5"] and found["if_match"] else bad(said, "Report it as an issue.")


def log_groups(scene: Scene) -> Finding:
    """Are the log groups there that the stacks made, and does each end its logs some day?"""
    names, client = scene.deployment.names, scene.deployment.target.client("logs")
    prefixes = [
        f"/aws/lambda/{names.name}-",
        f"/aws/vendedlogs/states/{names.state_machine}",
        names.endpoint_log,
        names.component_log(f"{names.name}-"),
        TRAINING_LOG_GROUP,
    ]
    found = [
        group
        for prefix in prefixes
        for page in pages(client.describe_log_groups, token="nextToken", logGroupNamePrefix=prefix)
        for group in page["logGroups"]
    ]
    endless = sorted(group["logGroupName"] for group in found if "retentionInDays" not in group)
    said = f"{len(found)} groups"
    if endless:
        return bad(f"{said}, kept for ever: {', '.join(endless)}", "AWS made these: report it as an issue.")
    return good(f"{said}, each with an end") if found else unknown("no log group is there yet")


def denied(scene: Scene) -> Finding:
    """Was a call of SageMaker, CloudFormation or S3 refused in the last day? From CloudTrail."""
    client = scene.deployment.target.client("cloudtrail")
    found: dict[str, None] = {}
    seen = 0
    for source in ("sagemaker", "cloudformation", "states", "iam"):
        attribute = {"AttributeKey": "EventSource", "AttributeValue": f"{source}.amazonaws.com"}
        since = scene.now - timedelta(days=1)
        for page in pages(client.lookup_events, LookupAttributes=[attribute], StartTime=since):
            for event in page["Events"]:
                seen += 1
                record = json.loads(event.get("CloudTrailEvent") or "{}")
                if record.get("errorCode") in DENIED:
                    found[f"{record.get('eventName')}: {record.get('errorMessage', '')[:160]}"] = None
            if seen >= MOST_EVENTS:
                break
    if found:
        return bad("; ".join(list(found)[:5]), "If it was a role of the app, report it.")
    return good(f"none among {seen} events of the last day; CloudTrail is some 15 minutes late")


def _job(scene: Scene) -> Mapping[str, Any]:
    jobs = follow.training_jobs(scene.deployment, scene.run)
    if not jobs:
        raise LookupError(f"the run {scene.run} has no training job: finexpert runs show {scene.run}")
    return jobs[-1]


def mounted(scene: Scene) -> Finding:
    """Did the job get its weights, that is, leave Downloading? And how long did each stage take?"""
    job = _job(scene)
    stages = [
        f"{stage['Status']} {duration((stage.get('EndTime') or scene.now).timestamp() - begun.timestamp())}"
        for stage in job.get("SecondaryStatusTransitions", [])
        if (begun := stage.get("StartTime"))
    ]
    said = f"{job['TrainingJobStatus']}: {', '.join(stages) or 'no stages'}"
    if any(stage.startswith("Training ") for stage in stages):
        return good(said)
    return bad(f"{said}. {job.get('FailureReason', '')}".strip(), f"finexpert runs show {scene.run}")


def _lines(scene: Scene, group: str = TRAINING_LOG_GROUP, prefix: str = "") -> list[str]:
    reader = logs.StreamReader(scene.deployment.target.client("logs"), group)
    return reader.new_lines(prefix)


def container(scene: Scene) -> Finding:
    """Did the training container run our program?"""
    lines = _lines(scene, prefix=scene.run)
    phases = [str(event["phase"]) for event in logs.events(lines) if event["event"] == "phase"]
    if phases:
        return good(f"phases {', '.join(phases)}")
    if lines:
        return bad(f"it wrote {lines[-1][:200]}", f"finexpert runs log {scene.run}")
    return unknown(f"no line of {scene.run} is in {TRAINING_LOG_GROUP}")


def device(scene: Scene) -> Finding:
    """On which device did the trainer run, with which driver, how fast, in how much memory?"""
    events = list(logs.events(_lines(scene, prefix=scene.run)))
    messages = (str(event.get("message", "")) for event in events if event["event"] == "log")
    lines = [message for message in messages if re.search(r"parameters in|peak memory", message)]
    steps = (event.get("tokens_per_second") for event in events if event["event"] == "step")
    speeds = [float(speed) for speed in steps if speed]
    if not lines:
        return unknown("the log has no such line")
    best = f"; at best {max(speeds):,.0f} tokens a second" if speeds else ""
    return good("; ".join(lines) + best)


def model_card(scene: Scene) -> Finding:
    """Did SageMaker take the model card of the run's package?"""
    client, group = scene.deployment.target.client("sagemaker"), scene.deployment.names.model_package_group
    newest = client.list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )["ModelPackageSummaryList"]
    if not newest:
        return unknown(f"{group} has no package")
    package = client.describe_model_package(ModelPackageName=newest[0]["ModelPackageArn"])
    version = f"version {package.get('ModelPackageVersion', '?')}"
    if package.get("ModelCard"):
        content = package["ModelCard"].get("ModelCardContent", "")
        return good(f"{version} has a card of {len(content)} characters")
    return bad(f"{version} has no card", f"Why stands in finexpert runs show {scene.run}")


def endpoint_tags(scene: Scene) -> Finding:
    """Which tags has the endpoint: the app's own, and CloudFormation's?"""
    client = scene.deployment.target.client("sagemaker")
    arn = client.describe_endpoint(EndpointName=scene.deployment.names.endpoint)["EndpointArn"]
    tags = {tag["Key"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}
    system = sorted(tag for tag in tags if tag.startswith("aws:"))
    said = f"{', '.join(sorted(tags - set(system))) or 'no own tag'}; of AWS {', '.join(system) or 'none'}"
    return good(said) if STACK_TAG in tags else bad(said, "The endpoint would be counted twice: report it.")


def components(scene: Scene) -> Finding:
    """Do base and tuned component answer?"""
    found = switch.models(scene.deployment)
    describe = scene.deployment.target.client("sagemaker").describe_inference_component
    states = [
        f"{model} {describe(InferenceComponentName=name)['InferenceComponentStatus']}"
        for model, name in found.items()
        if name
    ]
    answers = inference.ask(scene.deployment, PROMPT, inference.generation(16, 0.0, 10))
    answered = [f"{answer.model} answered in {answer.seconds:.1f} s" for answer in answers]
    said = "; ".join([*states, *answered])
    whole = len(answers) == len(found) and all(answer.text for answer in answers)
    return good(said) if whole else bad(said, "finexpert ask shows what each says.")


def serving_log(scene: Scene) -> Finding:
    """Does the serving container write a log, and which driver does it name?"""
    names = scene.deployment.names
    groups = [names.endpoint_log, names.component_log(names.base_component)]
    lines = {group: _lines(scene, group) for group in groups}
    count = sum(map(len, lines.values()))
    drivers = {found[1] for each in lines.values() for line in each if (found := DRIVER.search(line))}
    where = ", ".join(group for group, each in lines.items() if each) or " or ".join(groups)
    if not count:
        return bad(f"no line in {where}", "A container that dies at once may not fit the host's driver.")
    return good(f"{count} lines in {where}; driver {', '.join(sorted(drivers)) or 'not named'}")


def dimensions(scene: Scene) -> Finding:
    """Under which sets of dimensions does CloudWatch have the endpoint's calls?"""
    names = scene.deployment.names
    ours = {names.endpoint, names.base_component, names.tuned_component}
    listing = list_all(
        scene.deployment.target.client("cloudwatch").list_metrics,
        "Metrics",
        Namespace=NAMESPACE,
        MetricName="Invocations",
    )
    sets = {
        "+".join(sorted(pair["Name"] for pair in metric["Dimensions"]))
        for metric in listing.items
        if any(pair["Value"] in ours for pair in metric["Dimensions"])
    }
    if not sets:
        return unknown("no Invocations yet; CloudWatch lists a metric up to 15 minutes late")
    known = {"InferenceComponentName", "EndpointName+VariantName"}
    said = "; ".join(sorted(sets))
    return good(said) if sets & known else bad(said, "The reaper asks for other sets: report it.")


def time_to_stop(scene: Scene) -> Finding:
    """How long did it take until nothing of the endpoint billed?"""
    if not scene.sleep_seconds:
        return unknown("the endpoint was not put to sleep by this check: finexpert sleep, with a watch")
    said = f"{duration(scene.sleep_seconds)}; the reserve counts on {STOP_MINUTES:g} minutes"
    if scene.sleep_seconds <= STOP_MINUTES * 60:
        return good(said)
    return bad(said, "Raise reserve_usd by what the difference costs, and report it.")


def leftovers(scene: Scene) -> Finding:
    """What of the app is seen in the account, in all regions?"""
    where = audits.regions(scene.deployment)
    found = audits.audit(scene.deployment, where, everything=False)
    read = f"{len(found.read_whole)} of {len(where)} regions read"
    if found.found:
        return unknown(f"{len(found.found)} things, {read}", "After cdk destroy --all: finexpert leftovers")
    return (good if len(found.read_whole) == len(where) else unknown)(f"nothing, {read}")


def newest_run(scene: Scene) -> str:
    """The newest run that succeeded, else one whose job ended; "" without one, or with nothing deployed."""
    try:
        entries = executions.newest_entries(scene.deployment, limit=10)
    except NotDeployed:
        return ""
    ended = [entry for entry in entries if entry["status"] != "RUNNING"]
    for entry in sorted(ended, key=lambda entry: entry["status"] != "SUCCEEDED"):
        if follow.training_jobs(scene.deployment, entry["name"]):
            return str(entry["name"])
    return ""
