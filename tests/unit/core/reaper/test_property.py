"""Random fleets and histories against a reference that reads the history itself instead of CloudWatch."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.cloud import Cloud
from tests.unit.core.reaper.reaping import actions, reaped

IDLE, DELAY, MIN_AGE = 60, 3, 60
KINDS = ("variant", "second variant", "shadow", "async", "component", "adapter")


@dataclass
class History:
    """One endpoint: its age, its kind, when which part of it was used (whole minutes ago), whether it is
    protected."""

    age: int
    kind: str
    uses: list[int] = field(default_factory=list)
    long_calls: list[int] = field(default_factory=list)
    protected: bool = False


# Minutes around the window's edge are left out: a data point covers a whole minute, and either answer is
# right there.
EDGE = range(IDLE + DELAY - 1, IDLE + DELAY + 2)
AGO = st.integers(0, 400).filter(lambda ago: ago not in EDGE)
HISTORIES = st.builds(
    History,
    age=st.integers(1, 500),
    kind=st.sampled_from(KINDS),
    uses=st.lists(AGO, max_size=4),
    long_calls=st.lists(AGO, max_size=1),
    protected=st.booleans(),
)


def build(cloud: Cloud, name: str, history: History) -> None:
    kind = history.kind
    cloud.endpoint(
        name,
        age=history.age,
        variants={"AllTraffic": 1, "second": 1} if kind == "second variant" else None,
        shadow=("shadow",) if kind == "shadow" else (),
        asynchronous=kind == "async",
        hosts_components=kind in ("component", "adapter"),
        tags={"finexpert:keep": "true"} if history.protected else {},
    )
    if kind in ("component", "adapter"):
        cloud.component(f"{name}-base", name, age=history.age)
        cloud.component(f"{name}-tuned", name, age=history.age)
    used = f"{name}-tuned" if kind == "adapter" else f"{name}-base"
    for ago in history.uses:
        if kind == "async":
            cloud.metric("InvocationsProcessed", ago, EndpointName=name)
        elif kind in ("component", "adapter"):
            cloud.metric("Invocations", ago, InferenceComponentName=used)
        else:
            variant = {"second variant": "second", "shadow": "shadow"}.get(kind, "AllTraffic")
            cloud.requests(name, ago, variant=variant)
    for ago in history.long_calls:
        if kind in ("component", "adapter"):
            cloud.metric("ConcurrentRequestsPerCopy", ago, InferenceComponentName=used)
        else:
            cloud.metric("ConcurrentRequestsPerModel", ago, EndpointName=name, VariantName="AllTraffic")


def should_go(history: History) -> bool:
    used = any(ago <= IDLE + DELAY for ago in history.uses + history.long_calls)
    return history.age >= max(MIN_AGE, IDLE + DELAY) and not used and not history.protected


@settings(max_examples=120, deadline=None)
@given(st.lists(HISTORIES, min_size=1, max_size=6), st.integers(0, 6))
def test_kills_what_is_idle_and_nothing_else(histories: list[History], limit: int) -> None:
    cloud = Cloud()
    fleet = {f"e-{number}": history for number, history in enumerate(histories)}
    for name, history in fleet.items():
        build(cloud, name, history)
    answer = reaped(cloud, max_deletes=limit)

    wanted = {name for name, history in fleet.items() if should_go(history)}
    gone = set(fleet) - set(cloud.endpoints)
    assert gone <= wanted, "something in use was deleted"
    assert len(gone) == min(limit, len(wanted)), "something idle was missed"
    assert {name for name, action in actions(answer).items() if action == "delete"} == gone
    assert answer["complete"]
