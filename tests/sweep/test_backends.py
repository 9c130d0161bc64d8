"""The same answers wherever tasks run, whatever happens to the processes."""

import json
import os
import signal
import warnings

import pytest

from lpfl.sweep.backends import Lost, Processes, Serial, backend_for, orders
from lpfl.sweep.backends.cluster import Cluster
from tests.sweep.tasks import deadly, raising, square

SQUARES = [n * n for n in range(24)]


def squares(backend, seconds=0.0):
    """Return the squares in order, and the processes that found them."""
    answers = dict(backend.answers(square, [(n, seconds) for n in range(24)]))
    return [answers[n, seconds]["square"] for n in range(24)], {
        answer["process"] for answer in answers.values()
    }


@pytest.mark.parametrize(
    ("backend", "processes"), [(Serial(), 1), (Processes(1), 1), (Processes(2), 2)]
)
def test_here(backend, processes):
    found, where = squares(backend, 0.02)
    assert found == SQUARES
    assert len(where) == processes


def test_on_a_cluster_of_two_processes(cluster):
    found, where = squares(backend_for(cluster, jobs=1), 0.05)
    assert found == SQUARES
    assert len(where) == 2
    assert os.getpid() not in where


def test_a_killed_worker_of_a_cluster_costs_nothing(cluster):
    found, killed = {}, []
    for task, answer in Cluster(cluster).answers(square, [(n, 0.1) for n in range(24)]):
        found[task[0]] = answer["square"]
        if len(found) == 4:
            killed.append(answer["process"])
            os.kill(answer["process"], signal.SIGKILL)
    assert killed
    assert [found[n] for n in range(24)] == SQUARES


def test_a_killed_process_costs_nothing():
    found, killed = {}, []
    for task, answer in Processes(2).answers(square, [(n, 0.1) for n in range(24)]):
        found[task[0]] = answer["square"]
        if len(found) in (4, 12):
            killed.append(answer["process"])
            os.kill(answer["process"], signal.SIGKILL)
    assert len(killed) == 2
    assert [found[n] for n in range(24)] == SQUARES


@pytest.mark.parametrize("where", ["processes", "cluster"])
def test_a_task_that_ends_every_process_is_lost_alone(where, request):
    backend = Processes(2) if where == "processes" else Cluster(request.getfixturevalue("cluster"))
    answers = dict(backend.answers(deadly, [(n,) for n in range(6)]))
    lost = answers.pop((3,))
    assert answers == {(n,): n for n in (0, 1, 2, 4, 5)}
    assert isinstance(lost, Lost)
    said = "ended with code 7" if where == "processes" else "the task ended 4 workers"
    assert said in lost.reason


@pytest.mark.parametrize("where", ["processes", "cluster"])
def test_a_task_that_raises_is_answered_with_its_error(where, request):
    backend = Processes(2) if where == "processes" else Cluster(request.getfixturevalue("cluster"))
    answers = dict(backend.answers(raising, [(n,) for n in range(3)]))
    assert answers[(1,)] == Lost("ValueError: one is refused", raised=True)
    assert (answers[(0,)], answers[(2,)]) == (0, 2)


def test_an_order_is_text_and_names_one_function():
    text = orders.order(square, (3, 0.0))
    assert json.loads(text)["task"] == [3, 0.0]
    assert json.loads(orders.obey(text))["answer"]["square"] == 9
    with pytest.raises(ValueError, match="not JSON compliant"):
        orders.order(square, (float("nan"),))


def test_a_worker_of_another_version_refuses(monkeypatch):
    text = orders.order(square, (3,))
    monkeypatch.setattr(orders, "standing", lambda: {**json.loads(text)["standing"], "code": "x"})
    said = json.loads(orders.obey(text))
    assert said["refused"].startswith("has code=x, the client has ")


def test_a_cluster_of_another_version_is_refused(cluster, monkeypatch):
    """The client pretends to be of another version: nothing runs."""
    mine = {**orders.standing(), "torch": "0.1"}
    monkeypatch.setattr(
        "lpfl.sweep.backends.cluster.difference",
        lambda wanted, found: orders.difference(mine, found),
    )
    with pytest.raises(ValueError, match=r"has torch=\d.*, the client has 0.1: needs the same"):
        backend_for(cluster, jobs=1)


@pytest.mark.parametrize(
    "address", ["", "host:1", "tcp://", "tcp://host", "tcp://host:x", "tcp://host:0", "udp://h:1"]
)
def test_an_address_that_is_none(address):
    with pytest.raises(ValueError, match="needs an address such as tcp://host:8786"):
        backend_for(address, jobs=1)


def test_a_scheduler_that_is_not_there():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"scheduler=tcp://127.0.0.1:1 cannot be reached"):
            Cluster("tcp://127.0.0.1:1", timeout=0.5).check()


def test_jobs_below_one():
    with pytest.raises(ValueError, match="jobs=0, needs >= 1"):
        backend_for(None, jobs=0)
