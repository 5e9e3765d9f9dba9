"""Carries out the agreed steps of the first hour's check: a run on the shipped text, and a wake."""

import time
from collections.abc import Mapping

from core.endpoint.hosting import HostingState
from finexpert import paths
from finexpert.doctor import looks
from finexpert.doctor.first_hour import Doing, Scene, Step
from finexpert.service.deployment import describe_stack
from finexpert.service.endpoint import switch
from finexpert.service.money import costs, plan
from finexpert.text import duration, usd
from finexpert.views import endpoint as endpoint_view
from finexpert.views import run as run_view


def steps() -> Mapping[Step, Doing]:
    """The function that carries out each step."""
    return {
        Step.RUN: Doing(announce=_announce_run, needed=_needs_run, act=_run),
        Step.ENDPOINT: Doing(announce=_announce_endpoint, needed=_needs_endpoint, act=_wake),
        Step.SLEEP: Doing(announce=lambda scene: "", needed=lambda scene: scene.woken, act=_sleep),
    }


def _needs_run(scene: Scene) -> bool:
    describe_stack(scene.deployment, "Training")  # without it there is nothing to offer
    scene.run = scene.run or looks.newest_run(scene)
    return not scene.run


def _announce_run(scene: Scene) -> str:
    request = plan.job_request(scene.deployment, training_tokens=0)
    most = f"at most {usd(request.worst_usd)} ({duration(request.limit_seconds)} on {request.instance_type})"
    return f"Train on the shipped text, which takes minutes: {_here(scene, most)}."


def _run(scene: Scene) -> None:
    scene.run = run_view.start(scene.deployment, str(paths.SAMPLE), {}, wake=False, again=True)
    run_view.watch(scene.deployment, scene.run)


def _needs_endpoint(scene: Scene) -> bool:
    return switch.require_present(scene.deployment).state is not HostingState.AWAKE


def _announce_endpoint(scene: Scene) -> str:
    """Announce the most that it costs, also if this check is killed and the idle reaper ends it."""
    seconds = switch.WAIT_SECONDS * 2 + scene.deployment.settings.idle_minutes * 60
    price = costs.hosting_usd_per_hour(scene.deployment)
    most = f"at most {usd(price * seconds / 3600)} ({duration(seconds)} at ${price:g} an hour)"
    return f"Wake the endpoint, look at it, and put it to sleep: {_here(scene, most)}."


def _wake(scene: Scene) -> None:
    scene.woken = True  # also a wake that fails may leave something
    run = scene.run or looks.newest_run(scene)
    endpoint_view.wake(scene.deployment, run or None, base=not run, refused=True)


def _sleep(scene: Scene) -> None:
    begun = time.monotonic()
    endpoint_view.sleep(scene.deployment)
    scene.sleep_seconds, scene.woken = time.monotonic() - begun, False


def _here(scene: Scene, most: str) -> str:
    return f"nothing on the embedded cloud; on AWS {most}" if scene.deployment.target.is_local else most
