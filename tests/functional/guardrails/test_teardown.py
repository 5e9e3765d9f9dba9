"""Destroying the app while it costs most leaves nothing. tests/matrix/teardown has every other state.

It comes last: the app is gone then.
"""

from tests.functional.guardrails.guarded_app import App
from tests.functional.guardrails.teardown_states import awake, endpoint_out_of_band, left_over, training


def test_destroying_while_it_serves_and_trains_leaves_nothing(app: App) -> None:
    awake(app)
    endpoint_out_of_band(app)
    training(app)
    app.destroy()
    left = {kind: names for kind, names in left_over(app, endpoint_out_of_band).items() if names}
    assert set(left) <= {"buckets", "stacks"}, left
    assert all("cdk" in name.lower() for names in left.values() for name in names), left
    assert app.cloud.health()["processes"] == []
    assert app.cloud.health()["executions"] == []
