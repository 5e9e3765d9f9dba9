"""Finding the checkpoint that a job goes on from: the newest that is whole and of this very training."""

from pathlib import Path

from training.host.distributed import World
from training.host.events import Events
from training.loop import checkpoints
from training.loop.checkpoints import Checkpoint


def newest_checkpoint(folder: Path, fingerprint: str, world: World, events: Events) -> Checkpoint | None:
    """Read by the first process and given to all; what is left aside, and why, goes to the log."""
    found: Checkpoint | None = None
    for file, checkpoint in checkpoints.candidates(folder) if world.first else ():
        if checkpoint is None:
            events.log(f"{file.name} is torn and left aside; looking for the one before it")
        elif checkpoint.fingerprint != fingerprint:
            events.log(f"{file.name} belongs to other data, settings or weights and is left aside")
        else:
            found = checkpoint
            events.log(f"going on after step {checkpoint.step} from {file.name}")
            break
    chosen: Checkpoint | None = world.from_first(found)
    return chosen
