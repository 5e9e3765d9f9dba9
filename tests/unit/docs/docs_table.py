"""How each documented command is tested. One that stands in no table, or in a table only, fails a test.

All of them are parsed against the real programs; most are run as well, and those that are not have a reason.
"""

ON_THE_APP = (
    "finexpert data check finexpert/sample",
    "finexpert data check docs/examples/medical",
    "finexpert data check docs/examples/it",
    "finexpert data check docs/examples/instructions",
    "finexpert data check docs/examples/dialogs",
    "FINEXPERT_SPOT=true finexpert config budget_usd spot region -c budget_usd=40",
    "finexpert data weights base_model/",
    "finexpert plan",
    "finexpert docs add docs/examples/filings --index out/documents",
    'finexpert docs ask "What was Borealis Pumps\' revenue in fiscal 2024?" --index out/documents',
    'finexpert docs search "diluted earnings of Cascadia in the third quarter of 2023" --index out/documents',
    "finexpert docs evaluate --index out/documents",
    "finexpert benchmark plan docs/examples/benchmark/questions.jsonl"
    " --contestant nova=bedrock:amazon.nova-lite-v1:0",
    "finexpert benchmark run docs/examples/benchmark/questions.jsonl"
    " --contestant desk=answers:docs/examples/benchmark/desk.csv"
    " --contestant assistant=answers:docs/examples/benchmark/assistant.csv",
    "finexpert benchmark report",
    "finexpert runs",
    "finexpert runs show RUN",
    "finexpert runs report RUN",
    'finexpert ask "The results are encouraging for aggressive investors"',
    "finexpert costs",
    "finexpert reap --dry-run",
    "finexpert doctor",
    "finexpert sleep",
)
"""Run by tests/functional/app/test_written.py against the deployed app, with its accepted run as RUN
and an endpoint that is awake until the last of them."""

STEP_BY_STEP = (
    "make setup",
    "source .venv/bin/activate",
    "export PATH=$PWD/node_modules/.bin:$PATH",
    "finexpert local up",
    "cdk bootstrap",
    "cdk deploy --all --require-approval never",
    "finexpert data weights base_model/",
    "finexpert data check my-texts/",
    "finexpert train my-texts/ --wake",
    'finexpert ask "The results are encouraging for aggressive investors"',
    "finexpert costs",
    "cdk destroy --all --force",
    "finexpert leftovers",
    "finexpert local down",
)
"""The README's session on one's own machine, run from first line to last by tests/matrix/docs; only its first
line is not, since the tests themselves run in what it sets up."""

TRAINED = ("finexpert train docs/examples/medical",)
"""Run by tests/matrix/docs on the same cloud."""

_DEPLOYS = "a deployment takes half a minute; tests/matrix/settings has its flags"
_AWS = "asks or changes an AWS account"
_ASSUMED = "test_app_walk.py runs doctor with other flags"
_MAIL = " -c alert_email=you@example.com"
_LLAMA_3 = "meta-textgeneration-llama-3-1-8b-instruct"
_OWN_WEIGHTS = " -c 'base_model_uri=s3://${DataBucket}/base-model/'"

ONLY_PARSED = {
    "finexpert docs push": "pays AWS; its steps run in test_document_shelf.py",
    "finexpert docs evaluate my-questions.jsonl --pushed": "test_vectors.py evaluates with vectors",
    "make demo": "four minutes; its steps: tests/unit/finexpert/demo, tests/functional/app",
    "make demo DATA=my-texts/": "the same",
    "make demo BASE=smollm2": "many minutes; what is its own: test_smollm2.py, test_demo.py, test_asking.py",
    "make test": "runs this test",
    "finexpert benchmark run docs/examples/benchmark/questions.jsonl --contestant mine=tuned"
    " --contestant lite=bedrock:amazon.nova-lite-v1:0 --contestant pro=bedrock:amazon.nova-pro-v1:0"
    " --contestant palmyra=bedrock:writer.palmyra-x5-v1:0 --send-to bedrock --data public"
    " --limit-usd 2": "pays AWS; `make benchmark` runs such contestants against local models",
    f"cdk deploy --all -c accept_eula=true{_MAIL}": _DEPLOYS,
    f"cdk deploy --all{_OWN_WEIGHTS}{_MAIL}": _DEPLOYS,
    f"cdk deploy --all -c base_model={_LLAMA_3} -c accept_eula=true{_MAIL}": _DEPLOYS,
    f"cdk deploy --all -c base_model=huggingface-llm-mistral-7b-v3{_MAIL}": _DEPLOYS,
    f"cdk deploy --all -c training_instance_type=ml.g5.12xlarge -c accept_eula=true{_MAIL}": _DEPLOYS,
    f"cdk deploy --all -c training_instance_count=2 -c accept_eula=true{_MAIL}": _DEPLOYS,
    "cdk deploy --all -c retain_data=true --import-existing-resources": "the embedded cloud refuses it",
    f"cdk deploy --all -c web=true -c accept_eula=true{_MAIL}": _DEPLOYS,
    "aws cognito-idp admin-create-user --user-pool-id POOL --username ana@example.com"
    " --user-attributes Name=email,Value=ana@example.com Name=email_verified,Value=true": _AWS,
    "finexpert web": "serves until it is ended; tests/functional/app/test_web.py talks to it",
    "cdk deploy --all -c notebook_repository=https://github.com/you/expert.git": _DEPLOYS,
    f"cdk deploy --all -c spot=true -c max_wait_minutes=240 -c accept_eula=true{_MAIL}": _DEPLOYS,
    "cdk bootstrap aws://111122223333/eu-west-1 aws://111122223333/us-east-1": _AWS,
    "cdk bootstrap --qualifier acme --toolkit-stack-name CDKToolkit-acme --custom-permissions-boundary"
    " Limits": "tests/matrix/organisation",
    "cdk deploy --all --role-arn arn:aws:iam::111122223333:role/Deployer": "tests/matrix/organisation",
    "finexpert doctor --profile my-profile": _AWS,
    "finexpert doctor --first-hour": "test_walk.py runs it with --json",
    "cdk destroy --all": "asks before it destroys; with --force it is run step by step",
    "export AWS_PROFILE=my-profile": _AWS,
    "aws sts get-caller-identity": _AWS,
    "aws cloudformation create-stack-set --stack-set-name FinExpert-Guardrails"
    " --template-body file://guardrails.json --capabilities CAPABILITY_NAMED_IAM"
    " --permission-model SERVICE_MANAGED"
    " --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false": _AWS,
    "aws iam detach-role-policy --role-name Admin"
    " --policy-arn arn:aws:iam::ACCOUNT:policy/finexpert-deny-create": _AWS,
    f"finexpert data weights my-llama/{_OWN_WEIGHTS}": "with base_model/ above",
    f"finexpert doctor{_OWN_WEIGHTS}": _ASSUMED,
    f"finexpert doctor -c base_model={_LLAMA_3} -c accept_eula=true": _ASSUMED,
    "finexpert doctor -c training_instance_type=ml.g5.12xlarge": _ASSUMED,
    "finexpert train my-texts/": "with --wake step by step",
    "python -m training": "reads /opt/ml; tests/unit/training run it below other folders",
    "SAGEMAKER_BASE_DIR=/tmp/job python -m training": "the same",
    "torchrun --nproc-per-node 2 -m training": "there the program starts its processes by itself",
}
"""Parsed, and not run here, for this reason."""
