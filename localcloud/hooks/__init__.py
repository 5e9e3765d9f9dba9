"""Every place where the embedded cloud reaches into ministack's private parts, and nowhere else.

ministack (pinned, 1.5.33) has no plug-in interface. tests/unit/localcloud/test_hooks.py reads here which of
its names are used, and names the one that an upgrade broke. The functions are of two kinds: those that offer
ministack's services to this package, and those that put this package into ministack (`install_service`,
`install_resource_type`, …), called once by `localcloud.plugins`.

ministack reads its settings when imported, so this package is imported only in the server and in tests.
"""

from localcloud.hooks import (  # noqa: F401  (for other modules)
    access,
    budgets,
    executions,
    functions,
    gate,
    network,
    requests,
    signatures,
    stacks,
    telemetry,
    tokens,
)
