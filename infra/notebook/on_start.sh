#!/bin/bash
# Runs as root at each start of the notebook instance, and must end within five minutes.
set -euo pipefail

NOTEBOOKS=/home/ec2-user/SageMaker

# --- stop when idle: first of all, so that it also covers what goes wrong below
cat > /usr/local/bin/finexpert-idle-stop.py <<'PYTHON'
@IDLE_STOP@
PYTHON
systemd-run --unit finexpert-idle-stop --on-active 5min --on-unit-active 5min \
  /usr/bin/python3 /usr/local/bin/finexpert-idle-stop.py --minutes @IDLE_MINUTES@

# --- a kernel that has the product (AWS's own have Python 3.10). Installing takes minutes, and the repository is
# cloned beside this script, not before it: so this goes on by itself, and tells in a log beside the notebooks
cat > /home/ec2-user/finexpert.json <<'JSON'
@SETTINGS@
JSON
cat > /usr/local/bin/finexpert-kernel.sh <<'KERNEL'
set -euo pipefail
cd /home/ec2-user/SageMaker
dnf install --assumeyes --quiet python3.11
until [ -e "@FOLDER@/pyproject.toml" ]; do sleep 5; done
cd "@FOLDER@"
as_user() { sudo -u ec2-user "$@"; }
venv=/home/ec2-user/finexpert-venv
as_user python3.11 -m venv $venv
pip=(as_user $venv/bin/python -m pip --quiet --disable-pip-version-check --no-cache-dir)
"${pip[@]}" install --no-deps --require-hashes --requirement tools/requirements/notebook.lock
"${pip[@]}" install --no-deps --no-build-isolation --editable .
as_user $venv/bin/python -m ipykernel install --prefix /home/ec2-user/.local --name finexpert \
  --display-name "Financial Domain Expert" \
  --env FINEXPERT_SETTINGS /home/ec2-user/finexpert.json --env FINEXPERT_ON aws
echo "the kernel 'Financial Domain Expert' is ready"
KERNEL
nohup bash /usr/local/bin/finexpert-kernel.sh < /dev/null > $NOTEBOOKS/finexpert-kernel.log 2>&1 &
