"""Names of resources, and all other texts that more than one part of the product must spell alike."""

import re
from dataclasses import dataclass
from enum import StrEnum

PROJECT_TAG = "finexpert:project"
KEEP_TAG = "finexpert:keep"
DELETE_AFTER_TAG = "finexpert:delete-after"
TAKE_UP = "cdk deploy --all -c retain_data=true --import-existing-resources"
"""Deploys again onto buckets that an earlier deployment kept; without the flag their names are taken."""
RETAINED_TAG = "finexpert:retained"
"""The tag of resources that outlive their stack; the value is the setting that keeps them."""
STACK_NAME_TAG = "aws:cloudformation:stack-name"
STACK_ID_TAG = "aws:cloudformation:stack-id"
STACK_TAG = "finexpert:stack"
"""The tag with which this project's templates name the stack: CloudFormation puts none on endpoints."""
SIGN_IN_SCOPE = "openid"
"""The scope that the deployed page asks for at sign-in, and that its access tokens must hold."""
METRIC_NAMESPACE = "FinExpert"
STUCK_METRIC = "StuckResources"
"""The metric of what hangs and may bill: the idle reaper publishes it, and an alarm watches it."""
VARIANT = "AllTraffic"
"""The endpoint's one production variant."""
BILLING_REGION = "us-east-1"
"""The one region where AWS has metrics of the bill."""
TRAINING_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
"""The log group of all training jobs of the account."""
RUN_NAMES = "runs/names.json"
"""The key, in the artifact bucket, of the names that people gave the runs, by id."""
EVALUATION_VERSION = 3
"""The version of evaluation.json's schema (training/evaluation/evaluation.schema.json). Since 3 the bound of
forgetting is a share, figures leave out shared stretches, and documents of a group count together."""
COMPARABLE_SINCE = 2
"""The first version with the values of single items."""
BITS = "bits a byte"
"""The unit of metrics without an upper bound, also in evaluation.json; all others are shares from 0 to 1."""
LLAMA_2_7B = "Llama 2 7B"
"""The recipe's base model, as people call it."""
PRACTICE_PARAMETERS = 20_000_000
"""A model below this size has learned to spell. Its sentences mean nothing."""
PROMPTS = (
    "The investment tests performed indicate",
    "the relative volume for the long out of the money options, indicates",
    "The results for the short in the money options",
    "The results are encouraging for aggressive investors",
)
"""Unfinished sentences of an options study, which both models continue."""


class Figure(StrEnum):
    """The names that evaluation.json may give its figures: no other name reaches a mail or a model card.

    The last three are those of a trainer of one's own that keeps to the contract.
    """

    HELD_OUT_BITS_PER_BYTE = "held_out_bits_per_byte"
    PROMPT_GAIN = "prompt_gain"
    GENERAL_BITS_PER_BYTE = "general_bits_per_byte"
    OWN_EXACT_MATCH = "own_exact_match"
    OWN_CHOICE_ACCURACY = "own_choice_accuracy"
    MULTIPLE_CHOICE_ACCURACY = "multiple_choice_accuracy"
    SENTIMENT_ACCURACY = "sentiment_accuracy"
    SENTIMENT_CONSISTENCY = "sentiment_consistency"
    RETAINED_CAPABILITY = "retained_capability"
    RIGHT_CHOICE_PROBABILITY = "right_choice_probability"
    TABLE_QUESTIONS_EXACT_MATCH = "table_questions_exact_match"
    FAITHFULNESS = "faithfulness"
    INVENTED_FIGURES = "invented_figures"
    DECLINES_WITHOUT_ANSWER = "declines_without_answer"
    REPETITION = "repetition"
    DEGENERATION = "degeneration"
    BITS_PER_BYTE = "bits_per_byte"
    PERPLEXITY = "perplexity"
    LOSS = "loss"


STACKS = ("Storage", "Training", "Hosting", "Guardrails", "Web")
GLOBAL_STACKS = ("Billing", "Anomalies")
"""Stacks that are always in us-east-1, one for each region that the app is deployed in."""
_REGION = r"(-[a-z]{2}(-[a-z]+)+-\d)?"
FUNCTIONS = (
    *("validate-dataset", "admission", "read-evaluation", "finish-wake", "stop-training"),
    *("idle-reaper", "spend-guard", "teardown", "empty-audit", "empty-storage", "web"),
)
_RUN = r"\d{8}-\d{6}-[0-9a-f]{4}(-od)?"
"""The part after the prefix in the name of a run and of its training jobs; `-od` after a spot job gave up."""
_FORMS = (
    "",
    rf"-{_RUN}",
    rf"-({'|'.join(FUNCTIONS)})(-(errors|throttles|silence))?",
    r"-(base|tuned|models|fine-tune|analysts|alerts|dead-letters|deny-create|notebook)",
    r"-(stuck-resources|lost-events)",
    rf"-(billing-alerts|anomalies|all-charges|sagemaker-charges){_REGION}",
    r"-(data|artifacts|audit)-\d+-[a-z0-9-]+",
)
_OF_STACKS = rf"-({'|'.join(STACKS)}|({'|'.join(GLOBAL_STACKS)}){_REGION})(-[A-Za-z0-9]+-[A-Za-z0-9]{{8,}})?"
"""A stack, or a name that CloudFormation makes from stack, logical id and a random end."""


def dataset_name(uri: str) -> str:
    """The name of a dataset for people: `letters` for `s3://…/datasets/letters-1a2b3c4d/`."""
    return re.sub(r"-[0-9a-f]{8}$", "", uri.rstrip("/").rpartition("/")[2])


def millions(parameters: int) -> str:
    """`1.3 million`, `135 million`, `6.7 billion`."""
    if parameters >= 1_000_000_000:
        return f"{parameters / 1e9:.1f} billion"
    return f"{parameters / 1e6:.1f} million" if parameters < 10_000_000 else f"{parameters / 1e6:.0f} million"


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of one deployment; `project` is the prefix as written, `name` in lower case."""

    project: str
    region: str

    @property
    def name(self) -> str:
        """The prefix as it stands in names of endpoint, buckets, functions and parameters."""
        return self.project.lower()

    def owns(self, name: str) -> bool:
        """Whether a name has one of the forms that this deployment and its stacks give.

        That it begins with the prefix says nothing: so do the names of a deployment `PREFIX-Prod`.
        """
        if re.fullmatch(re.escape(self.project) + _OF_STACKS, name):
            return True
        return any(re.fullmatch(re.escape(self.name) + form, name) for form in _FORMS)

    def is_run(self, name: str) -> bool:
        """Whether a name is that of a run of this deployment, or of one of its training jobs."""
        return re.fullmatch(f"{re.escape(self.name)}-{_RUN}", name) is not None

    def stack(self, suffix: str) -> str:
        """Name of a stack: one of `STACKS` or `GLOBAL_STACKS`."""
        return f"{self.project}-{suffix}{self._abroad if suffix in GLOBAL_STACKS else ''}"

    @property
    def _abroad(self) -> str:
        """End of names in us-east-1 of an app in another region: each of two regions keeps its own."""
        return "" if self.region == BILLING_REGION else f"-{self.region}"

    def bucket(self, kind: str, account: str) -> str:
        """Name of the `data` or `artifacts` bucket in `account`."""
        return f"{self.name}-{kind}-{account}-{self.region}"

    def vector_bucket(self, *, own_key: bool) -> str:
        """Name of the vector bucket; a change of its key makes another, which needs another name."""
        return f"{self.name}-vectors{'-key' if own_key else ''}"

    @property
    def vector_index(self) -> str:
        """Name of the index of the documents' vectors; another shape of it needs another name."""
        return "documents-1"

    def function(self, purpose: str) -> str:
        """Name of a Lambda function, such as `idle-reaper`."""
        return f"{self.name}-{purpose}"

    def function_log(self, purpose: str) -> str:
        """The log group of a Lambda function."""
        return f"/aws/lambda/{self.function(purpose)}"

    @property
    def endpoint(self) -> str:
        """The endpoint."""
        return self.name

    @property
    def base_component(self) -> str:
        """The inference component of the base model."""
        return f"{self.name}-base"

    @property
    def tuned_component(self) -> str:
        """The inference component of the fine-tuned adapter."""
        return f"{self.name}-tuned"

    @property
    def endpoint_log(self) -> str:
        """The log group of the endpoint."""
        return f"/aws/sagemaker/Endpoints/{self.endpoint}"

    def component_log(self, component: str) -> str:
        """The log group of an inference component of the endpoint."""
        return f"/aws/sagemaker/InferenceComponents/{component}"

    @property
    def state_machine(self) -> str:
        """The state machine of a fine-tuning run."""
        return f"{self.name}-fine-tune"

    @property
    def model_package_group(self) -> str:
        """The model package group that every finished run is registered in."""
        return f"{self.name}-models"

    @property
    def artifact_parameter(self) -> str:
        """The SSM parameter with the S3 URI of the newest accepted adapter."""
        return f"/{self.name}/model-artifact"

    @property
    def settings_parameter(self) -> str:
        """The SSM parameter with the settings of the deployed app, as JSON."""
        return f"/{self.name}/settings"

    def remembered(self, part: str, setting: str) -> str:
        """The SSM parameter in which a stack keeps a setting for the next deploy."""
        place = part.lower() + (self._abroad if part in GLOBAL_STACKS else "")
        return f"/{self.name}/{place}/{setting}"

    @property
    def web(self) -> str:
        """The API and the function of the analyst's page."""
        return f"{self.name}-web"

    @property
    def user_pool(self) -> str:
        """The pool of the people who may use the page."""
        return f"{self.name}-analysts"

    @property
    def topic(self) -> str:
        """The SNS topic of all notifications."""
        return f"{self.name}-alerts"

    @property
    def billing_topic(self) -> str:
        """The SNS topic of the Billing stack, in us-east-1."""
        return f"{self.name}-billing-alerts{self._abroad}"

    @property
    def anomaly_monitor(self) -> str:
        """AWS's anomaly monitor of the project, and its subscription."""
        return f"{self.name}-anomalies{self._abroad}"

    def charges_alarm(self, which: str) -> str:
        """The alarm on AWS's estimate of `all` charges or of those of `sagemaker`, in us-east-1."""
        return f"{self.name}-{which}-charges{self._abroad}"

    @property
    def dead_letter_queue(self) -> str:
        """The queue of events that no guardrail function could handle."""
        return f"{self.name}-dead-letters"
