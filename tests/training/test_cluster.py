"""The cluster of TF_CONFIG: valid ones, and one sentence for each invalid one."""

import json

import pytest

from gfla_tf.errors import InputError
from gfla_tf.training.cluster import Cluster, read_cluster

TWO = {"worker": ["a:1000", "b:1000"]}


def config(cluster=TWO, task=("worker", 0)):
    return {"cluster": cluster, "task": {"type": task[0], "index": task[1]}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (config(), Cluster(("a:1000", "b:1000"), 0)),
        (config(task=("worker", 1)), Cluster(("a:1000", "b:1000"), 1)),
        (config({"chief": ["c:1"], **TWO}, ("chief", 0)), Cluster(("c:1", "a:1000", "b:1000"), 0)),
        (config({"chief": ["c:1"], **TWO}, ("worker", 1)), Cluster(("c:1", "a:1000", "b:1000"), 2)),
        (config({"worker": ["[::1]:99"]}), Cluster(("[::1]:99",), 0)),
    ],
)
def test_reads_the_workers_and_this_task(value, expected):
    assert read_cluster({"TF_CONFIG": json.dumps(value)}) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "needs the environment variable TF_CONFIG, for example"),
        ("", "needs the environment variable TF_CONFIG, for example"),
        ("{'cluster': 1}", "TF_CONFIG is not JSON"),
        ([], "TF_CONFIG is not an object"),
        ({"task": {"type": "worker", "index": 0}}, "TF_CONFIG has no object 'cluster'"),
        ({"cluster": TWO}, "TF_CONFIG has no object 'task'"),
        (config({"ps": ["a:1"], **TWO}), "has tasks 'ps' in its cluster"),
        (config({}), "needs at least one worker and at most one chief"),
        (config({"chief": ["c:1", "d:1"]}, ("chief", 0)), "at least one worker and at most one chief"),
        (config({"worker": ["a:1", "a:1"]}), "lists an address twice"),
        (config({"worker": ["a"]}), "has 'a' among the addresses of the job 'worker'"),
        (config({"worker": ["a:70000"]}), "has 'a:70000' among the addresses"),
        (config({"worker": [7]}), "has 7 among the addresses"),
        (config({"worker": "a:1"}), "must have a list of addresses of the job 'worker'"),
        (config(task=("chief", 0)), "has the task type 'chief', which is not a job of its cluster"),
        (config(task=("worker", 2)), "has the task index 2; this process must be one of 0 .. 1"),
        (config(task=("worker", "0")), "has the task index '0'"),
        (config(task=("worker", True)), "has the task index True"),
    ],
)
def test_an_invalid_cluster_is_refused_in_one_sentence(value, message):
    text = value if value is None or isinstance(value, str) else json.dumps(value)
    with pytest.raises(InputError) as caught:
        read_cluster({} if text is None else {"TF_CONFIG": text})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
