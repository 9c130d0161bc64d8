"""An answer that is lost with the worker that held it, and a client that shows one."""

from lpfl.sweep.backends import Lost, orders
from lpfl.sweep.backends.cluster import Cluster, _Traffic
from tests.sweep.tasks import square


class Future:
    """A future that is over as soon as somebody waits for it."""

    def __init__(self, text: str, status: str) -> None:
        self.text, self.status = text, status

    def add_done_callback(self, call):
        call(self)


class Client:
    """Loses the answers of the first orders, and obeys the others at once."""

    def __init__(self, losses: int) -> None:
        self.losses, self.asked = losses, 0

    def nthreads(self):
        return {"worker": 1}

    def submit(self, function, text, key, pure):
        self.asked += 1
        return Future(text, "lost" if self.asked <= self.losses else "finished")

    def gather(self, futures):
        return [orders.obey(future.text) for future in futures]


def answer(losses):
    client = Client(losses)
    traffic = _Traffic(Cluster("tcp://127.0.0.1:1"), client, square)
    return dict(traffic.answers(iter([(3, 0.0)])))[3, 0.0], client.asked


def test_it_is_asked_for_once_more():
    found, asked = answer(losses=1)
    assert (found["square"], asked) == (9, 2)


def test_it_is_lost_if_it_is_lost_again():
    found, asked = answer(losses=2)
    assert found == Lost("its answer was lost with the worker that held it")
    assert asked == 2


class Recovering(Future):
    """One that is whole again by the second look: its worker's tasks run elsewhere."""

    @property
    def status(self) -> str:
        state, self._status = self._status, "finished"
        return state

    @status.setter
    def status(self, state: str) -> None:
        self._status = state


def test_one_that_comes_back_while_it_is_judged_is_asked_for_once_more(monkeypatch):
    monkeypatch.setattr("tests.sweep.test_lost_answers.Future", Recovering)
    found, asked = answer(losses=1)
    assert (found["square"], asked) == (9, 2)
