"""The workers of a training run on several machines, as the environment variable TF_CONFIG lists them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from gfla_tf.documents import DocumentError, parse_json
from gfla_tf.errors import InputError

VARIABLE = "TF_CONFIG"
_JOBS = ("chief", "worker")
_EXAMPLE = (
    '{"cluster": {"worker": ["HOST0:PORT", "HOST1:PORT"]}, "task": {"type": "worker", "index": 0}}, with '
    "another index on each worker"
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The workers of a run, and which of them this process is.

    Args:
      workers: the addresses `HOST:PORT`, that of the chief first.
      index: the index of this process in `workers`; that of the chief is 0.
    """

    workers: tuple[str, ...]
    index: int


def read_cluster(environment: Mapping[str, str]) -> Cluster:
    """Reads the cluster from TF_CONFIG.

    The chief is the task of the job "chief" if there is one, otherwise the first of the job "worker".

    Args:
      environment: the environment variables.

    Raises:
      InputError: the variable is missing, is not the JSON that TensorFlow documents, or has a task that is
        not in its cluster.
    """
    text = environment.get(VARIABLE)
    if not text:
        raise InputError(
            f"strategy=multiworker needs the environment variable {VARIABLE}, for example {_EXAMPLE}"
        )
    try:
        value = parse_json(text)
    except DocumentError as error:
        raise InputError(f"{VARIABLE} is not JSON ({error}); it must be like {_EXAMPLE}") from error
    jobs = _member(_member({VARIABLE: value}, VARIABLE), "cluster")
    unknown = [job for job in jobs if job not in _JOBS]
    if unknown:
        raise InputError(
            f"{VARIABLE} has tasks {', '.join(map(repr, unknown))} in its cluster; strategy=multiworker has "
            "only the jobs 'worker' and, for one task, 'chief'"
        )
    addresses = {job: _addresses(jobs.get(job, []), job) for job in _JOBS}
    workers = (*addresses["chief"], *addresses["worker"])
    if not workers or len(addresses["chief"]) > 1:
        raise InputError(f"{VARIABLE} needs at least one worker and at most one chief in its cluster")
    if len(set(workers)) < len(workers):
        raise InputError(f"{VARIABLE} lists an address twice in its cluster; each worker needs its own")
    task = _member(value, "task")
    job, index = task.get("type"), task.get("index")
    if job not in _JOBS or not addresses[job]:
        raise InputError(f"{VARIABLE} has the task type {job!r}, which is not a job of its cluster")
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(addresses[job]):
        raise InputError(
            f"{VARIABLE} has the task index {index!r}; this process must be one of 0 .. "
            f"{len(addresses[job]) - 1} of the job {job!r}"
        )
    return Cluster(workers, index + (len(addresses["chief"]) if job == "worker" else 0))


def _member(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """A member of an object, which must be an object too."""
    value = parent.get(name)
    if not isinstance(value, dict):
        problem = "is not an object" if name == VARIABLE else f"has no object {name!r}"
        raise InputError(f"{VARIABLE} {problem}; it must be like {_EXAMPLE}")
    return value


def _addresses(value: Any, job: str) -> list[str]:
    """The addresses of a job, `HOST:PORT` each."""
    for address in value if isinstance(value, list) else [value]:
        host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise InputError(
                f"{VARIABLE} has {address!r} among the addresses of the job {job!r}; each must be HOST:PORT"
            )
    if not isinstance(value, list):
        raise InputError(f"{VARIABLE} must have a list of addresses of the job {job!r}, got {value!r}")
    return value
