"""What cdk-nag and checkov find and is meant so: one table a tool, each line with its reason.

A finding that no line covers fails the check, and so does a line that covers no finding.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """A check that did not pass, and where: a construct's path or `Stack/LogicalId`, without the prefix."""

    check: str
    place: str


@dataclass(frozen=True)
class Suppression:
    """Findings that are meant so: regular expressions of check and place, and why."""

    check: str
    place: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether both expressions match whole."""
        return bool(re.fullmatch(self.check, finding.check) and re.fullmatch(self.place, finding.place))


def complaints(findings: Collection[Finding], table: Sequence[Suppression]) -> list[str]:
    """Findings that no line covers, and lines that cover none."""
    unexplained = [
        f"{finding.check} at {finding.place}: correct it, or give the reason in {__name__}.py"
        for finding in sorted(findings)
        if not any(line.covers(finding) for line in table)
    ]
    unused = [
        f"{line.check} at {line.place}: nothing is suppressed by this line of {__name__}.py"
        for line in table
        if not any(line.covers(finding) for finding in findings)
    ]
    return unexplained + unused


def _any_of(*names: str) -> str:
    return f"({'|'.join(names)})"


_ROLE = r".*/Role/(DefaultPolicy/)?Resource"
_OUR_FUNCTIONS = _any_of(
    *(f"Training/{name}" for name in ("ValidateDataset", "Admission", "ReadEvaluation")),
    *(f"Training/{name}" for name in ("FinishWake", "StopTraining")),
    *(f"Guardrails/{name}" for name in ("IdleReaper", "SpendGuard", "Teardown")),
    "Web/Answer",
)


def _below(arn: str) -> str:
    return rf"AwsSolutions-IAM5\[Resource::arn:aws:{arn}\]"


NAG = (
    Suppression(
        r"AwsSolutions-IAM5\[Resource::\*\]",
        _ROLE,
        "Only for actions that AWS offers nothing narrower for: rules/test_resources.py has the list.",
    ),
    Suppression(_below(r"logs:.*:\*"), _ROLE, "The streams of one log group, whose names AWS makes up."),
    Suppression(
        _below(r"logs:.*:log-group:/aws/sagemaker/InferenceComponents/finexpert-\*"),
        "Training/ServingRole/Role/Resource",
        "The groups of this project's two inference components.",
    ),
    Suppression(
        _below(r"s3:::.*\*"),
        _ROLE,
        "Objects below one prefix of one bucket; their names come with datasets and runs.",
    ),
    Suppression(
        _below(r"sagemaker:.*:(training-job|inference-component)/finexpert-\*"),
        _ROLE,
        "A run's name ends in a time and four random digits.",
    ),
    Suppression(
        _below(r"sagemaker:.*:model-package/finexpert-models/\*"),
        _any_of("Training/FineTune/.*", "Guardrails/Teardown/.*"),
        "The versions of one model package group.",
    ),
    Suppression(
        _below(r"(states:.*:execution:finexpert-fine-tune:\*|cloudformation:.*:stack/FinExpert-Hosting/\*)"),
        _ROLE,
        "Executions of one state machine, and one stack with its unique id: both named by AWS.",
    ),
    Suppression(
        _below(
            r"sagemaker:.*:(endpoint|endpoint-config|inference-component|training-job|processing-job|app)/\*"
        ),
        _any_of("Training/Admission/.*", "Guardrails/(IdleReaper|SpendGuard|Teardown)/.*", "Web/Answer/.*"),
        "What bills anywhere in the account must be seen to be counted; what may be deleted has a condition"
        " on the project's tag.",
    ),
    Suppression(
        _below(r"sagemaker:.*:(model|endpoint-config)/\*"),
        "Training/SwitchingRole/Role/Resource",
        "Named by CloudFormation, so that they can be replaced; neither costs anything, and only those with"
        " the project's tag may be deleted.",
    ),
    Suppression(
        _below(r"cloudformation:.*:stack/FinExpert-(Storage|Training|Guardrails)/\*"),
        "(Web/Answer|Training/Notebook)/Role/Role/Resource",
        "Outputs of these stacks, each with its unique id, named by AWS.",
    ),
    Suppression(
        "AwsSolutions-SM[13]",
        "Training/Notebook/Instance",
        "There by a setting only. It clones, installs and calls AWS, so it needs a way out; from a VPC that"
        " is a NAT gateway, which would cost more than the budget.",
    ),
    Suppression(
        "AwsSolutions-APIG4",
        r"Web/Page/Api/GET--(\{proxy\+\})?/Resource",
        "The page itself, without data: people must see it to sign in. What is below /api/ asks for a token.",
    ),
    Suppression(
        "AwsSolutions-COG8",
        "Web/SignIn/Pool/Resource",
        "The plus plan costs for each user and month; an authenticator app is required in any case.",
    ),
    Suppression(
        _below(r"ec2:.*:network-interface/\*"),
        "Training/(Training|Serving)Role/Role/Resource",
        "SageMaker makes the interface and with it its id; subnets and security group are named.",
    ),
    Suppression(
        "AwsSolutions-L1",
        rf"{_OUR_FUNCTIONS}/Function/Resource",
        "Python 3.13 is the newest that the tests run on; a newer one comes with its own test run.",
    ),
    Suppression(
        "AwsSolutions-S1",
        r".*/Bucket/Resource",
        "Access logs would need a bucket more, for one person's data; CloudTrail can log the same calls.",
    ),
    Suppression(
        "AwsSolutions-SF2",
        "Training/FineTune/StateMachine/Resource",
        "The log has every step of a run (level ALL); X-Ray would need permissions on * to add times.",
    ),
    Suppression(
        "AwsSolutions-VPC7",
        "Training/Network/Vpc",
        "Nothing but S3 can be reached or can reach in; flow logs would cost more than they could tell.",
    ),
)
"""cdk-nag's pack AwsSolutions."""

CHECKOV = (
    Suppression(
        "CKV_AWS_(26|27|158)",
        ".*(Topic|Queue|Log).*",
        "Encrypted with AWS's own keys; the setting customer_managed_key puts an own one there, for $1 a"
        " month. The Billing topic tells amounts and no data.",
    ),
    Suppression(
        "CKV_AWS_116",
        _any_of(
            "Training/(ValidateDataset|Admission|ReadEvaluation|FinishWake)Function.*",
            "Guardrails/TeardownFunction.*",
            "Web/AnswerFunction.*",
            ".*/CustomS3AutoDelete.*",
        ),
        "Called by the state machine, CloudFormation or an API, which wait for the answer and tell what"
        " failed; nothing is queued.",
    ),
    Suppression(
        "CKV_AWS_117",
        ".*",
        "Functions in a VPC would need an interface endpoint for each API that they call, about $7 a month"
        " each; they listen to nothing.",
    ),
    Suppression(
        "CKV_AWS_115",
        ".*",
        "A reserve would be taken from the account's other functions, and new accounts have ten in all.",
    ),
    Suppression("CKV_AWS_173", ".*", "The variables hold names and limits, no secret."),
    Suppression(
        "CKV_AWS_18",
        ".*Bucket.*",
        "Access logs would need a bucket more, for one person's data; CloudTrail can log the same calls.",
    ),
    Suppression(
        "CKV_AWS_111",
        "Guardrails/(IdleReaper|SpendGuard|Teardown)Role.*",
        "The writes on * are PutMetricData, narrowed by namespace, and DeregisterScalableTarget, which has"
        " no name of a project to narrow by.",
    ),
)
"""checkov's checks of CloudFormation."""
