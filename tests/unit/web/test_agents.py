"""Edge agents at home: who was heard, who is silent, and how the broker between fares."""

from functools import partial

from ledger.agents.broker_state import BrokerState, BrokerWatch
from ledger.agents.silence import Silence
from ledger.core.authority import Authority
from ledger.core.batch import fingerprint
from ledger.core.clock import SystemClock
from ledger.core.note import ed25519_public_key
from ledger.present.states import State
from ledger.web.render import page
from ledger.web.views.home import HomeView, home_view
from tests.unit.web.conftest import World

SECOND = Authority(actor="local:second", authenticated=False)
HEADING = 'id="agents"'


def shown(view: HomeView) -> str:
    content: str = page("home.html", view=view, place="home", viewer="x").content
    return content


def test_home_tells_of_each_agent_when_it_was_heard_and_of_one_that_fell_silent(world: World) -> None:
    view: HomeView = world.view(home_view)
    assert (view.agents.agents, view.agents.broker) == ((), None)
    assert HEADING not in shown(view)
    service, agents = world.service, world.service.agents
    log, first = service.record_log().log, service.people.local("tester")
    service.require_receipt_key(log, first)
    for name in ("edge1", "edge2", "edge3", "edge4"):
        code = agents.invite(name, ("dcs",), "zone <2>", "line 2", first).code
        if name != "edge4":
            key = ed25519_public_key(name.encode().ljust(32))
            agents.enrol(name, code, key)
            agents.confirm(name, fingerprint(key), "compared on site", SECOND)
    agents.revoke("edge3", "gone", first)
    quick = Silence(service.store, log.number, 0.0)
    quick.heard("edge2")
    assert quick.judge() == ["edge2"]
    service.record_log().silence.heard("edge1")
    view = world.view(home_view)
    told = {one.name: (one.state, one.heard is None) for one in view.agents.agents}
    assert told == {"edge1": (State.HOLDS, False), "edge2": (State.FAILS, False), "edge4": (State.UNKNOWN, True)}
    content = shown(view)
    assert "zone &lt;2&gt;" in content[content.index(HEADING) :]
    assert "silent for longer" in content


def test_home_tells_how_the_broker_fares_and_why_it_is_not_connected(world: World) -> None:
    watch = BrokerWatch("mqtts://broker.example:8883", SystemClock())
    watch.lost("no TLS with the <broker>\u202e")
    watch.count(refused=True)

    def told(now: BrokerState | None) -> tuple[State, str]:
        view: HomeView = world.view(partial(home_view, broker=now))
        assert view.agents.broker is not None
        content = shown(view)
        return view.agents.broker.state, content[content.index(HEADING) :]

    state, content = told(watch.now)
    assert state is State.FAILS
    assert "no TLS with the &lt;broker&gt;⟨U+202E⟩" in content
    assert "1 letters of agents answered, 1 of them refused; 0 messages were no letter." in content
    watch.connected()
    state, content = told(watch.now)
    assert state is State.HOLDS
    assert "no TLS" not in content
